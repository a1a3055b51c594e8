"""Which step a site may take from one k3s to another, in the package and in the role that runs it.

If these fail, a site is upgraded over a minor version, or down to a k3s that cannot read its data.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import UsageError
from yolodeploy.core.k3s_version import Step, parse_version, step

FILTER = Path(__file__).parents[2] / "playbooks/filter_plugins/k3s_steps.py"
TABLE = [
    ("v1.34.9+k3s1", "v1.34.9+k3s1", "same"),
    ("v1.34.9+k3s1", "v1.34.9+k3s2", "up"),
    ("v1.34.9+k3s2", "v1.34.9+k3s1", "down"),
    ("v1.34.9+k3s1", "v1.34.10+k3s1", "up"),
    ("v1.34.9+k3s1", "v1.35.0+k3s1", "up"),
    ("v1.35.6-rc2+k3s1", "v1.35.6+k3s1", "up"),
    ("v1.35.6+k3s1", "v1.35.6-rc2+k3s1", "down"),
    ("v1.34.9+k3s1", "v1.36.2+k3s1", "skips"),
    ("v1.34.9+k3s1", "v2.0.0+k3s1", "skips"),
    ("v2.0.0+k3s1", "v1.36.2+k3s1", "down"),
    ("v1.9.0+k3s1", "v1.10.0+k3s1", "up"),
    ("v1.36.2+k3s1", "v1.34.9+k3s1", "down"),
]
NONE = [
    "", "1.34.9+k3s1", "v1.34.9", "v1.34+k3s1", "v1.34.9+k3s", "v1.34.9+rke2r1", "v1.34.9+k3s1\n",
    "v1.34.9-beta1+k3s1", "v1.34.9+k3s1 ", "v١.34.9+k3s1", "latest", "v1.34.99999+k3s1",
    "v1.34.9+k3s-80e1c74a", "{{ 1 }}",
]  # fmt: skip

numbers = st.integers(0, 40)
versions = st.builds(
    lambda major, minor, patch, candidate, revision: (
        f"v{major}.{minor}.{patch}{f'-rc{candidate}' if candidate else ''}+k3s{revision}"
    ),
    st.integers(1, 2), numbers, numbers, st.integers(0, 3), st.integers(1, 3),
)  # fmt: skip


def _loaded() -> ModuleType:
    spec = spec_from_file_location("k3s_steps", FILTER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROLE = _loaded()


@pytest.mark.parametrize(("now", "then", "kind"), TABLE)
def test_the_steps_that_are_known(now: str, then: str, kind: str) -> None:
    assert step(parse_version(now), parse_version(then)) is Step(kind)
    assert ROLE.k3s_step(now, then) == kind


@given(versions, versions)
def test_role_and_package_have_one_rule(now: str, then: str) -> None:
    """The playbook runs without the package, and must not come to another answer."""
    assert ROLE.k3s_step(now, then) == step(parse_version(now), parse_version(then)).value


@pytest.mark.parametrize("text", NONE, ids=[f"text{n}" for n in range(len(NONE))])
def test_what_is_no_version_is_never_compared(text: str) -> None:
    with pytest.raises(UsageError, match="is no version"):
        parse_version(text)
    assert ROLE.k3s_step(text, "v1.34.9+k3s1") == ROLE.k3s_step("v1.34.9+k3s1", text) == "unknown"


@given(versions)
def test_a_version_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_version(text)) == text


@given(versions, versions)
def test_who_may_go_up_may_not_go_back(now: str, then: str) -> None:
    begins, ends = parse_version(now), parse_version(then)
    if begins != ends:
        assert {step(begins, ends), step(ends, begins)} <= {Step.UP, Step.DOWN, Step.SKIPS}
        assert not (step(begins, ends) is Step.UP and step(ends, begins) is Step.UP)
    assert (step(begins, ends) is Step.DOWN) == (ends < begins)


@given(st.lists(versions, min_size=2, max_size=6))
def test_allowed_steps_never_skip_a_minor(texts: list[str]) -> None:
    """A walk of allowed steps visits every minor version in between."""
    at = parse_version(texts[0])
    seen = {at.series}
    for text in texts[1:]:
        if step(at, parse_version(text)) in (Step.SAME, Step.UP):
            at = parse_version(text)
            seen.add(at.series)
    minors = sorted(minor for _, minor in seen)
    assert minors == list(range(minors[0], minors[-1] + 1))


def test_releases_are_ordered_by_number_and_not_by_letters() -> None:
    texts = ["v1.9.12+k3s1", "v1.10.0-rc1+k3s1", "v1.10.0+k3s1", "v1.10.0+k3s2", "v1.10.11+k3s1"]
    assert sorted(map(parse_version, reversed(texts))) == list(map(parse_version, texts))
