"""Laws of routing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from globule.apigateway.rules.routing import ANY, Router

LITERALS = st.sampled_from(["a", "b", "c"])
SEGMENTS = st.one_of(LITERALS, st.sampled_from(["{x}", "{y}"]))
TEMPLATES = st.builds(
    lambda segments, greedy: "/" + "/".join([*segments, *(["{proxy+}"] if greedy else [])]),
    st.lists(SEGMENTS, max_size=3),
    st.booleans(),
)
METHODS = st.sampled_from(["GET", "POST", ANY])
ROUTES = st.lists(st.tuples(METHODS, TEMPLATES), max_size=8)
PATHS = st.lists(LITERALS, max_size=4).map(lambda segments: "/" + "/".join(segments))


@given(routes=ROUTES, path=PATHS, seed=st.randoms(use_true_random=False))
def test_the_route_does_not_depend_on_the_order_of_declaration(routes, path, seed) -> None:  # type: ignore[no-untyped-def]
    named = [(method, template, (method, template)) for method, template in dict.fromkeys(routes)]
    # Two templates that differ only in the names of their variables are one path on AWS, which refuses the second.
    shapes = {template.replace("{y}", "{x}") for _, template, _ in named}
    named = [route for route in named if route[1] in shapes]
    shuffled = list(named)
    seed.shuffle(shuffled)
    one, other = Router(named).find("GET", path), Router(shuffled).find("GET", path)
    assert (one and one.target) == (other and other.target)


@given(routes=ROUTES, path=PATHS)
def test_a_found_route_matches_and_its_parameters_give_the_path_back(routes, path) -> None:  # type: ignore[no-untyped-def]
    found = Router((method, template, (method, template)) for method, template in routes).find("GET", path)
    if found is None:
        return
    assert found.target[0] in ("GET", ANY)
    again = found.path
    for name, value in found.parameters.items():
        again = again.replace(f"{{{name}+}}", value).replace(f"{{{name}}}", value)
    if "{x}" not in found.path.replace("{x}", "", 1) and "{y}" not in found.path.replace("{y}", "", 1):
        assert again == path


@given(routes=ROUTES, path=PATHS)
def test_an_exact_route_of_this_method_always_wins(routes, path) -> None:  # type: ignore[no-untyped-def]
    router = Router([*((method, template, "other") for method, template in routes), ("GET", path, "exact")])
    found = router.find("GET", path)
    assert found is not None
    assert (found.target, found.parameters) == ("exact", {})
