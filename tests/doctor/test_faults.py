"""The table of checks against the faults that gateways are broken with.

If these fail, somebody wrote a check that was never seen to find anything. That each was also seen
to be well is for `test_site.py::test_a_healthy_site_is_left_in_peace`.
"""

from __future__ import annotations

from collections import Counter

from tests.doctor.faults import AMONG_BARE, FIRST, NO_PYTHON, PEOPLE, SECOND
from tests.doctor.recorded import checks
from tests.doctor.site_faults import AGENT, AMONG_SITE, SERVER

# what is looked at once: a gateway with all of its faults, or gateways side by side
PLACES = {
    "first": FIRST,
    "second": SECOND,
    "two bare ones": AMONG_BARE,
    "who logs in": tuple(PEOPLE.values()),
    "without Python": (NO_PYTHON,),
    "server": SERVER,
    "agent": AGENT,
    "site": AMONG_SITE,
}


def test_every_check_is_broken_on_a_gateway() -> None:
    """`judged` holds each of these against what a real run found there."""
    made = {fault.check for faults in PLACES.values() for fault in faults}
    assert made == {row["check"] for row in checks()}


def test_a_gateway_is_broken_in_one_way_only_once() -> None:
    for place, faults in PLACES.items():
        twice = [check for check, count in Counter(f.check for f in faults).items() if count > 1]
        assert twice == [] or place == "who logs in"
