"""Keys: only out of keystore files, and on a devnet out of the node."""

import json
import os

import pytest
from eth_account import Account
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from fake_chain import address, sender_of
from pydantic import SecretStr

from keeper.chain.rpc import Client
from keeper.errors import ConfigurationError, SignerError
from keeper.execution import signer
from keeper.execution.signer import keystore as keystore_module
from keeper.settings import Settings, load

TRANSACTION = {
    "type": 2,
    "chainId": 1,
    "nonce": 0,
    "to": address("x"),
    "value": 0,
    "data": "0x",
    "gas": 21_000,
    "maxFeePerGas": 1,
    "maxPriorityFeePerGas": 1,
}


@pytest.fixture(scope="module")
def account():
    return Account.create()


@pytest.fixture
def files(tmp_path, account):
    key, password = tmp_path / "key.json", tmp_path / "password"
    key.write_text(json.dumps(Account.encrypt(account.key, "right", kdf="scrypt", iterations=2)))
    password.write_text("right\n")
    return key, password


def settings(**given) -> Settings:
    return load(arguments=given, environment={})


def test_of__with_a_keystore__signs_as_its_account(fake, files, account):
    found = signer.of(settings(key_file=files[0], password_file=files[1]), Client(fake.url))
    signed = found.sign(TRANSACTION)
    assert found.address == account.address == signer.address_of(files[0])
    assert sender_of(signed.raw) == account.address
    assert signed.hash == to_hex(keccak(signed.raw))
    assert fake.requests == []


def test_of__password_may_come_from_a_file_descriptor(fake, files, account):
    read, write = os.pipe()
    os.write(write, b"right\n")
    os.close(write)
    assert signer.of(settings(key_file=files[0], password_fd=read), Client(fake.url)).address == account.address


def test_of__when_no_source_is_named__asks_a_person_where_there_is_one(fake, files, account):
    found = signer.of(settings(key_file=files[0]), Client(fake.url), lambda: "right")
    assert found.address == account.address
    named = settings(key_file=files[0], password_file=files[1])
    assert signer.of(named, Client(fake.url), lambda: "wrong").address == account.address


def test_repr__does_not_show_the_key(files, account):
    text = repr(signer.KeystoreSigner(signer.unlock(files[0], SecretStr("right"))))
    assert account.key.hex() not in text
    assert account.address in text


def refused(fake, **given) -> str:
    with pytest.raises(ConfigurationError) as caught:
        signer.of(settings(**given), Client(fake.url))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_of__when_no_key_is_named__says_how_to(fake):
    assert "set key_file" in refused(fake)


def test_of__when_the_key_file_is_missing__names_it(fake, files):
    line = refused(fake, key_file="/nonexistent/key.json", password_file=files[1])
    assert line == "key file /nonexistent/key.json does not exist: create a keystore v3 file or set key_file"


def test_of__when_the_password_file_is_missing__names_it(fake, files):
    assert "password file /nonexistent does not exist" in refused(fake, key_file=files[0], password_file="/nonexistent")


def test_of__when_the_password_cannot_be_read__says_where_it_looked(fake, files, tmp_path):
    assert f"password file {tmp_path} cannot be read" in refused(fake, key_file=files[0], password_file=tmp_path)
    files[1].write_bytes(b"\xff\xfe")
    assert "cannot be read" in refused(fake, key_file=files[0], password_file=files[1])
    read, write = os.pipe()
    os.close(write)
    os.close(read)
    assert refused(fake, key_file=files[0], password_fd=read).startswith(f"password_fd {read} cannot be read")


def test_of__when_the_key_file_cannot_be_read__names_it(fake, files, tmp_path):
    line = refused(fake, key_file=tmp_path, password_file=files[1])
    assert line.startswith(f"key file {tmp_path} cannot be read")


def test_of__when_no_password_is_named__says_how_to(fake, files):
    assert "set password_file or password_fd" in refused(fake, key_file=files[0])


def test_of__when_the_password_is_wrong__says_so_without_it(fake, files):
    files[1].write_text("wrong-password")
    line = refused(fake, key_file=files[0], password_file=files[1])
    assert "the password is wrong" in line
    assert "wrong-password" not in line


@pytest.mark.parametrize("text", ["{}", "[]", '{"version": 3}', '{"version": 3, "crypto": {}}', "nonsense"])
def test_of__when_the_file_is_no_keystore__says_so(fake, files, text):
    files[0].write_text(text)
    assert "keystore v3" in refused(fake, key_file=files[0], password_file=files[1])


def test_of__when_the_file_holds_a_plain_key__refuses_without_repeating_it(fake, files, account):
    files[0].write_text(account.key.hex())
    line = refused(fake, key_file=files[0], password_file=files[1])
    assert "private key in plain text" in line
    assert account.key.hex() not in line


def test_of__when_the_file_names_another_address_than_its_keys__refuses(fake, files):
    keystore = json.loads(files[0].read_text())
    files[0].write_text(json.dumps(keystore | {"address": address("another")}))
    assert "names another address than its key's" in refused(fake, key_file=files[0], password_file=files[1])
    files[0].write_text(json.dumps(keystore | {"address": "no address"}))
    assert "does not name its address" in refused(fake, key_file=files[0], password_file=files[1])


def test_of__when_the_file_names_no_address__needs_none(fake, files, account):
    keystore = json.loads(files[0].read_text())
    files[0].write_text(json.dumps({name: value for name, value in keystore.items() if name != "address"}))
    assert signer.of(settings(key_file=files[0], password_file=files[1]), Client(fake.url)).address == account.address


def test_password__is_not_shown(files):
    assert "right" not in repr(keystore_module.password(settings(key_file=files[0], password_file=files[1])))


def test_of__when_the_node_is_to_sign__only_on_a_devnet(fake):
    sender = address("unlocked")
    assert signer.of(settings(unlocked_sender=sender), Client(fake.url)).address == sender
    fake.software = "Geth/v1.16.0-stable/linux-amd64/go1.24"
    assert "unlocked_sender is for a devnet" in refused(fake, unlocked_sender=sender)


def test_node_signer__takes_only_the_signature_of_what_was_asked(fake, account):
    client = Client(fake.url)
    answers = {"eth_signTransaction": to_hex(account.sign_transaction(TRANSACTION).raw_transaction)}
    client.read = lambda method, *_: answers[method]  # type: ignore[method-assign]
    assert sender_of(signer.NodeSigner(client, account.address).sign(TRANSACTION).raw) == account.address
    with pytest.raises(SignerError, match=r"does not sign for .*another nonce"):
        signer.NodeSigner(client, account.address).sign(TRANSACTION | {"nonce": 1})
    with pytest.raises(SignerError, match="set unlocked_sender to one of its accounts"):
        signer.NodeSigner(client, address("another")).sign(TRANSACTION)
    answers["eth_signTransaction"] = None
    with pytest.raises(SignerError):
        signer.NodeSigner(client, account.address).sign(TRANSACTION)
