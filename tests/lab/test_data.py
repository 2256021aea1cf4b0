import gzip

import pytest
import torch

from paperbench import datasets
from paperbench.datasets import DataFile, Dataset
from paperbench.errors import DataError
from paperbench.lab import Run
from paperbench.lab.data import load_data, shuffled_batches


@pytest.fixture
def split():
    run = Run(seed=4, data_names=["digits"])
    return lambda **options: run.data("digits").split(run.generator("split"), **options)


def test_training_and_test_rows_are_disjoint(split):
    drawn = split(train=500)
    assert len(drawn.train) == 500
    assert len(drawn.test) == 1797 - 500
    rows = {tuple(row) for row in drawn.train.inputs.tolist()}
    duplicated = sum(tuple(row) in rows for row in drawn.test.inputs.tolist())
    assert duplicated == 0


def test_label_noise_redraws_training_labels_and_spares_the_test_set(split):
    clean, noisy = split(train=1000), split(train=1000, label_noise=0.2)
    assert torch.equal(clean.train.inputs, noisy.train.inputs)
    changed = (clean.train.classes != noisy.train.classes).float().mean().item()
    assert 0.13 < changed < 0.23  # a fifth redrawn, a tenth of them unchanged
    assert torch.equal(clean.test.classes, noisy.test.classes)


def test_more_rows_than_there_are_is_an_error(split):
    with pytest.raises(DataError, match="2000 training rows asked for, 1797 there"):
        split(train=2000)


def test_batches_cover_an_epoch_without_repeats():
    stream = shuffled_batches(10, 5, torch.Generator().manual_seed(0))
    first, second = next(stream), next(stream)
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(10))
    assert sorted(next(stream).tolist()) != first.tolist()


def test_the_python_documentation_is_text_in_three_parts():
    corpus = load_data("python-docs")
    assert len(corpus.train) > 300_000
    assert abs(len(corpus.valid) - len(corpus.test)) < 3
    assert corpus.train.isascii()


@pytest.mark.parametrize(
    ("name", "sizes"), [("mnist", (60_000, 10_000)), ("multi30k", (29_000, 1_000))]
)
def test_the_full_datasets_load(shared_data, name, sizes):
    data = load_data(name)
    assert (len(data.train), len(data.test)) == sizes


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A dataset of one file, looked for in two folders."""
    content = b"hello\n"
    dataset = Dataset(
        "tiny",
        "a test",
        "none",
        (DataFile("tiny.txt", datasets._sha256(content), (tmp_path / "home.txt").as_uri()),),
    )
    monkeypatch.setitem(datasets.DATASETS, "tiny", dataset)
    monkeypatch.setenv("PAPERBENCH_DATA", str(tmp_path / "first"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    datasets.read_file.cache_clear()
    (tmp_path / "home.txt").write_bytes(content)
    yield dataset, tmp_path, content
    datasets.read_file.cache_clear()


def test_a_missing_file_says_where_it_was_looked_for_and_how_to_get_it(tiny):
    _, folder, _ = tiny
    with pytest.raises(DataError) as caught:
        datasets.read_file("tiny", "tiny.txt")
    text = str(caught.value)
    assert "dataset `tiny` lacks the file tiny.txt" in text
    assert str(folder / "first" / "tiny") in text
    assert "help: run `paperbench data fetch tiny`, or point PAPERBENCH_DATA at its folder" in text


def test_a_wrong_file_names_both_checksums(tiny):
    dataset, folder, content = tiny
    (folder / "first" / "tiny").mkdir(parents=True)
    (folder / "first" / "tiny" / "tiny.txt").write_bytes(b"something else")
    with pytest.raises(DataError) as caught:
        datasets.read_file("tiny", "tiny.txt")
    assert f"sha256 wanted {dataset.files[0].sha256}, got " in str(caught.value)
    assert datasets._sha256(b"something else") in str(caught.value)


def test_a_gzipped_file_counts_as_the_file(tiny):
    _, folder, content = tiny
    (folder / "first" / "tiny").mkdir(parents=True)
    (folder / "first" / "tiny" / "tiny.txt.gz").write_bytes(gzip.compress(content))
    assert datasets.read_file("tiny", "tiny.txt") == content


def test_a_truncated_archive_is_named(tiny):
    _, folder, content = tiny
    (folder / "first" / "tiny").mkdir(parents=True)
    path = folder / "first" / "tiny" / "tiny.txt.gz"
    path.write_bytes(gzip.compress(content)[:-9])
    with pytest.raises(DataError, match="is damaged"):
        datasets.read_file("tiny", "tiny.txt")


def test_an_archive_that_unpacks_without_end_is_refused(tiny, monkeypatch):
    _, folder, _ = tiny
    monkeypatch.setattr(datasets, "MAX_UNPACKED", 1000)
    (folder / "first" / "tiny").mkdir(parents=True)
    (folder / "first" / "tiny" / "tiny.txt.gz").write_bytes(gzip.compress(b"0" * 10_000))
    with pytest.raises(DataError, match="unpacks to more than 1000 bytes"):
        datasets.read_file("tiny", "tiny.txt")


def test_fetching_checks_before_it_keeps(tiny):
    dataset, folder, content = tiny
    said = []
    datasets.fetch(dataset, said.append)
    assert datasets.read_file("tiny", "tiny.txt") == content
    assert said[0].startswith("tiny/tiny.txt: fetching file://")
    datasets.fetch(dataset, said.append)
    assert said[-1] == "tiny/tiny.txt: already there"


def test_a_fetched_file_that_is_wrong_is_not_kept(tiny):
    dataset, folder, _ = tiny
    (folder / "home.txt").write_bytes(b"an error page")
    with pytest.raises(DataError, match="is not the file it should be"):
        datasets.fetch(dataset, lambda line: None)
    assert not [path for path in (folder / "first").rglob("*") if path.is_file()]
