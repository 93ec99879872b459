import copy

import pytest
import torch
from torch import Tensor

from fmnist_core.adam import FusedAdamW

OPTIONS = {"lr": 0.01, "betas": (0.9, 0.95), "weight_decay": 0.1}


def some_parameters() -> list[torch.nn.Parameter]:
    """The third never gets a gradient."""
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((4, 3, 5, 5), (7,), (2,))]


def do_steps(optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], first: int, last: int) -> list[Tensor]:
    for step in range(first, last):
        optimizer.param_groups[0]["lr"] = 0.01 / (1 + step)
        generator = torch.Generator().manual_seed(step)
        optimizer.zero_grad()
        for parameter in parameters[:2]:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()
    return [parameter.detach().clone() for parameter in parameters]


def test_it_does_what_pytorchs_does_to_the_bit() -> None:
    ours, theirs = some_parameters(), some_parameters()
    optimizer, reference = FusedAdamW(ours, **OPTIONS), torch.optim.AdamW(theirs, fused=True, **OPTIONS)  # type: ignore[arg-type]
    got, wanted = do_steps(optimizer, ours, 0, 6), do_steps(reference, theirs, 0, 6)
    assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))
    assert not torch.equal(got[0], some_parameters()[0])
    assert torch.equal(got[2], some_parameters()[2])
    assert str(optimizer.state_dict()["state"]) == str(reference.state_dict()["state"])


@pytest.mark.parametrize("kind", [FusedAdamW, torch.optim.AdamW])
def test_it_goes_on_from_a_state_of_either(kind: type[torch.optim.AdamW]) -> None:
    theirs = some_parameters()
    wanted = do_steps(torch.optim.AdamW(theirs, fused=True, **OPTIONS), theirs, 0, 6)  # type: ignore[arg-type]
    before = some_parameters()
    begun = kind(before, **OPTIONS)  # type: ignore[arg-type]
    do_steps(begun, before, 0, 3)
    parameters = [torch.nn.Parameter(parameter.detach().clone()) for parameter in before]
    optimizer = FusedAdamW(parameters, **OPTIONS)
    optimizer.load_state_dict(copy.deepcopy(begun.state_dict()))
    got = do_steps(optimizer, parameters, 3, 6)
    assert all(torch.allclose(a, b, rtol=1e-6, atol=1e-7) for a, b in zip(got, wanted, strict=True))


def test_gradients_are_forgotten() -> None:
    parameters = some_parameters()
    optimizer = FusedAdamW(parameters, **OPTIONS)
    optimizer.step()  # without any gradient nothing happens
    assert torch.equal(parameters[0], some_parameters()[0])
    parameters[0].grad = torch.ones_like(parameters[0])
    optimizer.zero_grad(set_to_none=False)
    assert torch.equal(parameters[0].grad, torch.zeros_like(parameters[0]))
    optimizer.zero_grad()
    assert parameters[0].grad is None
