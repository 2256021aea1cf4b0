"""A value that several processes need is made once, and its tensors lie once in memory."""

import multiprocessing
import os

import pytest
import torch

from paperbench.lab import sharing
from paperbench.lab.sharing import share_in, shared

made = []


@shared
def numbers(n, *, scale=1.0):
    made.append(n)
    return {"values": torch.arange(n) * scale, "by": os.getpid()}


@pytest.fixture(autouse=True)
def _nothing_shared():
    yield
    share_in(None)
    numbers.cache_clear()
    made.clear()


def of_a_process(folder):
    share_in(folder)
    found = numbers(1000, scale=0.5)
    return found["by"], found["values"].sum().item(), len(made)


def test_in_one_process_it_is_made_once_for_the_same_arguments():
    assert numbers(3) is numbers(3)
    assert numbers(3) is not numbers(3, scale=2.0)
    assert made == [3, 3]


def test_processes_that_name_one_folder_make_it_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(of_a_process, [tmp_path] * 2, chunksize=1)
    assert len({by for by, _, _ in found}) == 1
    assert {total for _, total, _ in found} == {0.5 * 999 * 500}


def test_what_a_folder_holds_is_mapped_and_not_read(tmp_path):
    share_in(tmp_path)
    values = numbers(2_000_000)["values"]
    assert not values.is_shared()  # mapped from a file, not moved by torch
    with open("/proc/self/maps") as maps:
        assert any(str(tmp_path) in line for line in maps)
    assert sharing._folder == tmp_path
