import pytest

from paperbench.errors import SpecError
from paperbench.spec.yaml_nodes import MAX_BYTES, read_yaml


@pytest.fixture
def value(write):
    return lambda text: read_yaml(write(text, "a.yaml")).value


@pytest.fixture
def refused(write):
    def _refused(text):
        with pytest.raises(SpecError) as caught:
            read_yaml(write(text, "a.yaml"))
        return str(caught.value)

    return _refused


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1e-3", 0.001),
        ("1", 1),
        ("-5", -5),
        ("1.0", 1.0),
        (".5", 0.5),
        ("6.02E23", 6.02e23),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("2014-01-01", "2014-01-01"),
        ("1:30", "1:30"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("017", 17),
        ("'1'", "1"),
        ('"true"', "true"),
        ("'<<'", "<<"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(value, written, read):
    got = value(f"a: {written}\n")["a"]
    assert (got, type(got)) == (read, type(read))


def test_every_key_is_text_as_it_is_written(value):
    assert value("no: 1\ntrue: 2\n3: 3\nnull: 4\n") == {"no": 1, "true": 2, "3": 3, "null": 4}


def test_a_block_and_a_plain_scalar_are_the_same_text(value):
    assert value("a: >\n  one\n  two\n") == value("a: one two\n")


def test_places_count_characters_and_lines_from_one(write):
    positions = read_yaml(write('é: {"ü": [1, 😀x]}\nb:\n  c: "d e"\n', "a.yaml")).positions
    assert str(positions.key(("é", "ü"))) == "a.yaml:1:5"
    assert str(positions.value(("é", "ü", 1))) == "a.yaml:1:14"
    assert positions.source(("é", "ü", 1)) == "😀x"
    assert (positions.value(("b", "c")).column, positions.value(("b", "c")).length) == (6, 5)
    assert str(positions.inside(("b", "c"), "d e", 2, 1)) == "a.yaml:3:9"
    assert str(positions.key(("b", "absent", "deeper"))) == "a.yaml:2:1"


def test_a_byte_order_mark_is_ignored(value):
    assert value("\ufeffa: 1\n") == {"a": 1}


def test_an_alias_repeats_a_value(value):
    assert value("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


DUPLICATE = """\
error: the key `a` is written twice: on line 1 and on line 3
 --> a.yaml:3:1
3 | a: 3
  | ^
  = help: remove one of them"""
TAB = """\
error: this is not YAML: while scanning for the next token found character that cannot start any \
token
 --> a.yaml:2:1
2 |  b: 2
  | ^
  = help: indent with spaces, not with tabs"""
OBJECT = """\
error: the tag `!!python/object/apply:os.system` is not allowed
 --> a.yaml:1:4
1 | a: !!python/object/apply:os.system [x]
  |    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: write the plain value; quotes make a text of it"""
MERGE = """\
error: merge keys (`<<`) are not allowed
 --> a.yaml:2:5
2 | b: {<<: *x}
  |     ^^
  = help: write the keys out; what all arms share belongs under `params`"""
EMPTY = """\
error: the file is empty
 --> a.yaml:1:1
1 | # nothing
  | ^
  = help: it starts with `schema_version: 1`, then `paper:`, `experiments:` and `claims:`"""
LIST = """\
error: a claim file is a mapping of keys to values
 --> a.yaml:1:1
1 | - a
  | ^
  = help: it starts with `schema_version: 1`, then `paper:`, `experiments:` and `claims:`"""
TWO = """\
error: the file holds more than one document
 --> a.yaml:2:1
2 | ---
  | ^^^
  = help: one paper a file: remove the `---`, or split the file"""
LATIN = """\
error: byte 0xe9 is not UTF-8
 --> a.yaml:2:7
2 | b: caf\ufffd
  |       ^
  = help: save the file as UTF-8"""
ESCAPE = """\
error: the control character U+001B is not allowed
 --> a.yaml:2:4
2 | b:  [2J
  |    ^
  = help: remove it"""
RECURSIVE = """\
error: the alias `x` stands for nothing that is complete above it
 --> a.yaml:1:8
1 | a: &x [*x]
  |        ^^"""
INFINITE = """\
error: `.inf` is not a finite number
 --> a.yaml:1:4
1 | a: .inf
  |    ^^^^
  = help: write `null` for no limit, or quote it to make it a text"""
KEY = """\
error: a key must be a word, not a list or a mapping
 --> a.yaml:1:3
1 | ? [a]
  |   ^"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", DUPLICATE),
        ("a:\n\tb: 2\n", TAB),
        ("a: !!python/object/apply:os.system [x]\n", OBJECT),
        ("a: &x {b: 1}\nb: {<<: *x}\n", MERGE),
        ("# nothing\n", EMPTY),
        ("- a\n", LIST),
        ("a: 1\n---\nb: 2\n", TWO),
        (b"a: 1\nb: caf\xe9\n", LATIN),
        ("a: 1\nb: \x1b[2J\n", ESCAPE),
        ("a: &x [*x]\n", RECURSIVE),
        ("a: .inf\n", INFINITE),
        ("? [a]\n: 1\n", KEY),
    ],
)
def test_a_file_is_refused_at_its_line_and_column(refused, text, message):
    assert refused(text) == message


@pytest.mark.parametrize(
    ("text", "first_line"),
    [
        ("a: !foo 1\n", "error: the tag `!foo` is not allowed"),
        ("a: !!str 1\n", "error: the tag `!!str` is not allowed"),
        ("a: 1e999\n", "error: `1e999` is not a finite number"),
        ("a: -.INF\n", "error: `-.INF` is not a finite number"),
        ("a: .nan\n", "error: `.nan` is not a finite number"),
        ("a: " + "1" * 30, f"error: the integer `{'1' * 30}` has more than 18 digits"),
        ("a: " + "[" * 100_000, "error: the nesting is deeper than 50 levels"),
        ("a: " + "{b: " * 60 + "1" + "}" * 60, "error: the nesting is deeper than 50 levels"),
        ("a: " + "x" * 10_001, "error: a value of 10,001 characters; there may be at most 10,000"),
        ("x" * 101 + ": 1", "error: a key of 101 characters; there may be at most 100"),
        ("a: {b: 1, b: 2}\n", "error: the key `b` is written twice: on line 1 and on line 1"),
        ("a: *b\n", "error: the alias `b` stands for nothing that is complete above it"),
        (
            '"\\e[2J": 1\n"\\e[2J": 1\n',
            "error: the key `?[2J` is written twice: on line 1 and on line 2",
        ),
    ],
)
def test_hostile_yaml_is_refused_in_one_screen(refused, text, first_line):
    message = refused(text)
    assert message.splitlines()[0] == first_line
    assert len(message) < 600
    assert "a.yaml:" in message


def test_aliases_that_explode_are_refused(refused):
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    text = "a0: &a0 [x, x, x]\n" + "\n".join(levels)
    assert refused(text).startswith(
        "error: the file holds more than 20,000 values once its aliases are written out"
    )


def test_aliases_that_nest_deeply_are_refused(refused):
    levels = [f"a{i}: &a{i} [[[[[[[[*a{i - 1}]]]]]]]]" for i in range(1, 12)]
    assert refused("a0: &a0 [x]\n" + "\n".join(levels)).startswith(
        "error: the nesting is deeper than 50 levels"
    )


def test_a_ten_megabyte_file_is_refused_unread(refused):
    assert refused("a: " + "x" * 10_000_000) == (
        f"error: a.yaml has 10,000,003 bytes; a claim file has at most {MAX_BYTES:,}"
    )


def test_what_is_not_a_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder, absent = tmp_path / "folder.yaml", tmp_path / "absent.yaml"
    folder.mkdir()
    for path, message in (
        (folder, f"{folder} is not a regular file"),
        (absent, f"{absent} cannot be read: No such file or directory"),
    ):
        with pytest.raises(SpecError) as caught:
            read_yaml(path)
        assert caught.value.message == message


def test_what_yaml_does_not_call_printable_is_refused(refused, value):
    printable = [(0x9, 0xA), (0xD, 0xD), (0x20, 0x7E), (0x85, 0x85), (0xA0, 0xD7FF)]
    printable += [(0xE000, 0xFFFD), (0x10000, 0x10FFFF)]  # YAML 1.2.2, c-printable
    edges = {edge + step for pair in printable for edge in pair for step in (-1, 0, 1)}
    for edge in sorted({0, 0xB, 0x1F, *edges} - set(range(0xD800, 0xE000)) - {0x110000}):
        if any(low <= edge <= high for low, high in printable):
            value(f"a: b # {chr(edge)}")
        else:
            assert f"U+{edge:04X} is not allowed" in refused(f"a: b # {chr(edge)}")
