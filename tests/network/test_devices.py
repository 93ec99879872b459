import os

import pytest
import torch

from fmnist_core.network.devices import compute_dtype, count_threads, device_name, pick_device, pick_precision

CPU = torch.device("cpu")


def test_the_device_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_name(pick_device())
    for cores, name in ((1, "CPU, 1 core"), (4, "CPU, 4 cores"), (None, "CPU, 1 core")):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert device_name(CPU) == name


def test_only_threads_of_the_processor_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert (count_threads(CPU), count_threads(torch.device("cuda")), count_threads(torch.device("mps"))) == (3, 0, 0)


@pytest.mark.parametrize(("avx512", "amx", "precision"), [(True, False, "bfloat16"), (False, True, "bfloat16"), (False, False, "float32")])
def test_bfloat16_is_for_processors_that_can_multiply_it(avx512: bool, amx: bool, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert pick_precision("auto", CPU) == precision
    assert pick_precision("float32", CPU) == "float32"
    assert pick_precision("auto", torch.device("mps")) == "float32"


def test_each_precision_has_its_dtype() -> None:
    assert (compute_dtype("bfloat16"), compute_dtype("float32")) == (torch.bfloat16, torch.float32)
