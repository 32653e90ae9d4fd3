"""What the keeper's coverage adds up to, and what makes it too little."""

from scripts.keeper_coverage import Row, faults, package_of, rows, uncovered


def file(statements=10, covered=10, branches=4, taken=4, missing=()):
    summary = {
        "num_statements": statements,
        "covered_lines": covered,
        "num_branches": branches,
        "covered_branches": taken,
    }
    return {"summary": summary, "missing_lines": list(missing)}


def test_rows__add_up_by_package_and_in_all():
    files = {
        "keeper/policy/judge.py": file(10, 9, 4, 3),
        "keeper/policy/auction.py": file(30, 30, 2, 2),
        "keeper/errors.py": file(5, 5, 0, 0),
    }
    assert rows(files) == [
        Row("keeper/errors.py", 5, 5, 0, 0),
        Row("keeper/policy", 40, 39, 6, 5),
        Row("all", 45, 44, 6, 5),
    ]


def test_package_of__is_two_levels_deep():
    assert package_of("keeper/execution/lane/lane.py") == "keeper/execution"
    assert package_of("keeper/errors.py") == "keeper/errors.py"


def test_faults__at_the_bounds__are_none():
    assert faults(Row("all", 100, 95, 100, 90), []) == []
    assert faults(Row("all", 0, 0, 0, 0), []) == []


def test_faults__below_a_bound__say_which():
    (line,) = faults(Row("all", 1000, 949, 100, 90), [])
    assert line == "94.9 % of the lines, less than 95 %"
    (line,) = faults(Row("all", 100, 95, 1000, 899), [])
    assert line == "89.9 % of the branches, less than 90 %"


def test_uncovered__is_every_line_that_signs_or_sends_and_no_other():
    files = {
        "keeper/execution/lane/launch.py": file(missing=[7, 9]),
        "keeper/execution/signer/keystore.py": file(),
        "keeper/policy/judge.py": file(missing=[3]),
    }
    found = list(uncovered(files))
    assert found == ["keeper/execution/lane/launch.py:7", "keeper/execution/lane/launch.py:9"]
    assert "launch.py:7 signs or sends, and no test takes it" in faults(rows(files)[-1], found)[0]
