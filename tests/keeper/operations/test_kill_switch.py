"""While the file is there, or nobody can tell, nothing may be signed."""

from pathlib import Path

import pytest

from keeper.errors import ActingRefused, ConfigurationError
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.kill_switch import Killed, KillSwitch


@pytest.fixture
def heard():
    return []


@pytest.fixture
def switch(tmp_path, heard):
    made = KillSwitch(tmp_path / "folder" / "STOP", Bus(heard.append))
    made.prepare()
    return made


def test_refuse_if_killed__by_the_file_alone(switch):
    switch.refuse_if_killed()
    switch.file.touch()
    with pytest.raises(Killed, match="equipoise keeper resume"):
        switch.refuse_if_killed()
    switch.file.unlink()
    switch.refuse_if_killed()


def test_refuse_if_killed__tells_of_each_turn_once(switch, heard):
    switch.refuse_if_killed()
    for turn in (switch.turn_on, switch.turn_off):
        turn()
        for _ in range(3):
            try:
                switch.refuse_if_killed()
            except Killed:
                continue
    assert [event.is_on for event in heard] == [True, False]
    assert isinstance(heard[0], events.KillSwitch)
    assert "is on" in heard[0].why


def test_refuse_if_killed__a_link_to_nowhere_and_a_folder__count(switch):
    switch.file.symlink_to("/nonexistent")
    with pytest.raises(Killed):
        switch.refuse_if_killed()
    switch.file.unlink()
    switch.file.mkdir()
    with pytest.raises(Killed):
        switch.refuse_if_killed()


def test_refuse_if_killed__when_the_folder_is_gone__counts(switch):
    switch.file.parent.rmdir()
    with pytest.raises(Killed, match="is missing"):
        switch.refuse_if_killed()
    switch.file.parent.write_text("a file in its place")
    with pytest.raises(Killed, match="cannot be looked at"):
        switch.refuse_if_killed()


def test_refuse_if_killed__when_the_folder_may_not_be_read__counts(switch, monkeypatch):
    def denied(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "lstat", denied)
    with pytest.raises(Killed, match="Permission denied"):
        switch.refuse_if_killed()


def test_turn_on_and_off__say_when_and_why_and_whether(switch):
    switch.turn_on("a strange price")
    assert switch.file.read_text().endswith(" UTC a strange price\n")
    assert switch.turn_off()
    assert not switch.turn_off()
    assert switch.why() is None


def test_turn__where_it_cannot__says_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"set operations\.kill_switch_file"):
        KillSwitch(tmp_path / "file" / "STOP").turn_on()
    folder = KillSwitch(tmp_path / "folder")
    folder.file.mkdir()
    with pytest.raises(ConfigurationError, match="stop the process instead"):
        folder.turn_on()
    with pytest.raises(ConfigurationError, match="remove it by hand"):
        folder.turn_off()


def test_turn_off__makes_the_folder_again(tmp_path):
    switch = KillSwitch(tmp_path / "gone" / "STOP")
    assert switch.why() is not None
    switch.turn_off()
    assert switch.why() is None


def test_killed__is_a_refusal_to_act():
    assert issubclass(Killed, ActingRefused)
