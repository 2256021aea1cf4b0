"""A recordings file that is damaged is as if there were none, with a warning."""

import json

import pytest

from paperbench.recordings import read_recordings

RUN = {"key": "a", "curves": {}, "attention": []}
ARM = {"control_of": None, "arm": "fox", "runs": {"0": RUN}}


def read(tmp_path, experiments):
    path = tmp_path / "fox.json"
    path.write_text(json.dumps({"schema_version": 1, "experiments": experiments}))
    return read_recordings(path)


def test_a_whole_file_is_read(tmp_path):
    assert read(tmp_path, {"text": {"fox": ARM}})["experiments"] == {"text": {"fox": ARM}}


@pytest.mark.parametrize(
    "experiments",
    [
        [1],
        {"text": [ARM]},
        {"text": {"fox": 3}},
        {"text": {"fox": {"arm": "fox", "control_of": None}}},
        {"text": {"fox": {**ARM, "runs": []}}},
        {"text": {"fox": {**ARM, "runs": {"0": None}}}},
        {"text": {"fox": {**ARM, "runs": {"0": {"key": "a", "curves": {}}}}}},
        {"text": {"fox": {"runs": {}}}},
    ],
)
def test_a_damaged_file_is_none_and_said(tmp_path, experiments):
    with pytest.warns(UserWarning, match=r"fox\.json is damaged"):
        assert read(tmp_path, experiments) == {}


@pytest.mark.parametrize("text", ["", "{", "null", '{"schema_version": 0}', "\x80"])
def test_what_is_no_recording_is_none_and_said(tmp_path, text):
    path = tmp_path / "fox.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.warns(UserWarning, match="another version"):
        assert read_recordings(path) == {}


def test_where_nothing_was_recorded_nothing_is_said(tmp_path):
    assert read_recordings(tmp_path / "fox.json") == {}
