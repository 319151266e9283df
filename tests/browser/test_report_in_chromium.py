"""The HTML report in a real browser: it opens, it can be read, its filters and links work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from repoint.flows.dossier import Dossier
from repoint.views.report import render
from tests.browser.fix_browser import Opens, Seen
from tests.unit.views.report.dossiers import NoFiles, dossier, poisoned, scanned

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = (
    "</title></style></svg>\"'><script>document.title='zq'</script>"
    "<img src=x onerror=\"document.title='zq'\">]]>--><a href='javascript:1'>"
)


def two_places() -> Dossier:
    """Everything, in two environments."""
    one, other = dossier(6), dossier(40, "staging")
    assert one.plan and other.plan and one.inventory and other.inventory
    assert one.status and other.status
    plan = replace(
        one.plan,
        environments=("local", "staging"),
        consumers=one.plan.consumers + other.plan.consumers,
        changes=one.plan.changes + other.plan.changes,
        findings=(*one.plan.findings, other.plan.findings[0]),
        proofs=one.plan.proofs + other.plan.proofs,
    )
    views = one.inventory.environments + other.inventory.environments
    sites = one.inventory.sites + other.inventory.sites
    return replace(
        one,
        plan=plan,
        inventory=replace(one.inventory, environments=views, sites=sites),
        targets=one.targets + other.targets,
        status=replace(
            one.status, environments=one.status.environments + other.status.environments
        ),
        ledger=one.ledger + other.ledger,
        rehearsals=one.rehearsals + other.rehearsals,
    )


PAGES = {
    "whole": two_places(),
    "many": dossier(200),
    "none": dossier(0),
    "scan": scanned(),
    "hostile": poisoned(dossier(3), HOSTILE),
    "long": poisoned(dossier(3), "x" * 400),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each page as a file."""
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for name, value in PAGES.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(render(value, NoFiles()), encoding="utf-8")
    return found


@contextmanager
def quiet(seen: Seen) -> Iterator[None]:
    """Nothing was asked for but the file, and nothing was said, before and after the block."""
    yield
    assert seen.console == []
    assert {url.partition("#")[0] for url in seen.requests} == {seen.page.url.partition("#")[0]}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1366, "light")])
def test_it_opens_and_does_nothing_else(
    files: dict[str, Path], opens: Opens, name: str, width: int, scheme: str
) -> None:
    with opens(files[name], width=width, scheme=scheme) as seen, quiet(seen):
        assert seen.page.locator("h1").count() == 1
        assert seen.page.title() != "zq"
        document, window = seen.widths()
        assert document <= window
        assert seen.page.evaluate("document.scripts.length") == 1
        assert seen.page.locator("img, iframe, object, [onload], [onerror]").count() == 0


def test_text_in_the_drawing_stays_in_its_box(files: dict[str, Path], opens: Opens) -> None:
    for name in ("whole", "many", "long"):
        with opens(files[name]) as seen:
            seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            outside = seen.page.evaluate(
                """[...document.querySelectorAll('.drawing .box')].flatMap(box => {
                    const around = box.getBBox();
                    return [...box.parentElement.querySelectorAll('text')].filter(text => {
                        const own = text.getBBox();
                        return own.x + own.width > around.x + around.width
                            || own.y + own.height > around.y + around.height || own.x < around.x;
                    }).map(text => text.textContent);
                })"""
            )
            assert outside == [], name


def shown(seen: Seen, selector: str) -> list[str]:
    """The ids of what matches and is not hidden by a filter."""
    return seen.page.evaluate(
        "s => [...document.querySelectorAll(s)].filter(e => !e.closest('[hidden]')).map(e => e.id)",
        selector,
    )


def test_filters_leave_what_is_asked_for(files: dict[str, Path], opens: Opens) -> None:
    with opens(files["whole"]) as seen, quiet(seen):
        everything = shown(seen, ".consumers tbody tr")
        assert len(everything) == 46
        seen.page.get_by_label("Environment", exact=True).select_option("local")
        local = shown(seen, ".consumers tbody tr")
        assert len(local) == 6
        assert shown(seen, "[data-env=staging]") == []
        seen.page.get_by_label("Purpose", exact=True).select_option("migration")
        assert 0 < len(shown(seen, ".consumers tbody tr")) < 6
        assert "hidden" in seen.page.locator("#shown").inner_text()
        seen.page.get_by_role("button", name="Show all").click()
        seen.page.wait_for_function("document.getElementById('shown').textContent === ''")
        assert shown(seen, ".consumers tbody tr") == everything


def test_the_filter_of_severity_takes_groups_along(files: dict[str, Path], opens: Opens) -> None:
    with opens(files["whole"]) as seen:
        whole = seen.page.locator(".group:visible").count()
        seen.page.get_by_label("Severity", exact=True).select_option("warning")
        assert 0 < seen.page.locator(".group:visible").count() < whole
        assert set(seen.page.locator(".group:visible h3 .badge").all_inner_texts()) == {"warning"}


def test_a_link_from_outside_opens_and_reveals_its_place(
    files: dict[str, Path], opens: Opens
) -> None:
    with opens(files["whole"]) as seen:
        codes = seen.page.locator("#codes details").first.get_attribute("id")
        rows = shown(seen, ".consumers tbody tr")
    with opens(files["whole"], at=f"#{codes}") as seen, quiet(seen):
        assert seen.page.locator(f"#{codes}").get_attribute("open") is not None
    with opens(files["whole"]) as seen:
        seen.page.get_by_label("Environment", exact=True).select_option("local")
        seen.page.evaluate("id => { location.hash = id }", rows[-1])
        seen.page.wait_for_function(
            "id => !document.getElementById(id).closest('[hidden]')", arg=rows[-1]
        )


def test_every_link_leads_somewhere(files: dict[str, Path], opens: Opens) -> None:
    with opens(files["whole"]) as seen:
        lost = seen.page.evaluate(
            "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
            ".filter(h => !h.startsWith('#') || !document.getElementById(h.slice(1)))"
        )
        assert lost == []


def test_without_script_all_of_it_can_be_read(files: dict[str, Path], opens: Opens) -> None:
    with opens(files["whole"]) as seen:
        wanted = seen.page.locator("main").text_content()
    with opens(files["whole"], script=False) as seen, quiet(seen):
        assert seen.page.locator("main").text_content() == wanted
        assert not seen.page.locator("#filters").is_visible()
        first = seen.page.locator("details").first
        first.locator("summary").click()
        assert first.get_attribute("open") is not None


def test_the_keyboard_reaches_everything_that_acts(files: dict[str, Path], opens: Opens) -> None:
    with opens(files["whole"]) as seen:
        wanted = seen.page.evaluate(
            """[...document.querySelectorAll('a[href],button,select,summary,[tabindex="0"]')]
                .filter(e => e.checkVisibility({visibilityProperty: true})
                    && !(e.closest('details:not([open])') && !e.matches('details > summary')))
                .map((e, n) => (e.dataset.walk = n, n))"""
        )
        reached: list[int] = []
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        for _ in range(len(wanted) + 5):
            now = seen.page.evaluate("Number(document.activeElement.dataset.walk ?? -1)")
            if now in reached or now < 0:
                break
            reached.append(now)
            outline = seen.page.evaluate(
                "(e => getComputedStyle(e).outlineStyle + (e.closest('svg') ? 'box' : ''))"
                "(document.activeElement)"
            )
            assert outline != "none"
            seen.page.keyboard.press("Tab")
        assert sorted(reached) == wanted


def test_the_skip_link_jumps_over_the_navigation(files: dict[str, Path], opens: Opens) -> None:
    with opens(files["whole"]) as seen:
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["whole", "scan", "none"])
def test_axe_finds_no_barrier(
    files: dict[str, Path], opens: Opens, axe: str, name: str, scheme: str
) -> None:
    with opens(files[name], scheme=scheme) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        seen.page.evaluate(axe)
        found = seen.page.evaluate("axe.run(document).then(result => result.violations)")
        told = [
            f"{one['id']}: {one['help']}: {node['html'][:400]} {node['failureSummary'][:300]}"
            for one in found
            for node in one["nodes"][:2]
        ]
        assert told == []


@pytest.mark.parametrize("script", [True, False])
def test_it_prints_with_everything_opened(
    files: dict[str, Path], opens: Opens, script: bool, tmp_path: Path
) -> None:
    with opens(files["whole"], script=script) as seen:
        seen.page.emulate_media(media="print")
        heights = [
            one.bounding_box()["height"]
            for one in seen.page.locator("#codes details > p").all()[:3]
        ]
        assert heights and all(heights)
        assert not seen.page.locator(".menu").is_visible()
        place = tmp_path / "report.pdf"
        seen.page.pdf(path=place)
        assert place.read_bytes().startswith(b"%PDF-")
        assert place.stat().st_size > 50_000


def test_dark_and_light_differ(files: dict[str, Path], opens: Opens) -> None:
    colors = {}
    for scheme in ("light", "dark"):
        with opens(files["whole"], scheme=scheme) as seen:
            colors[scheme] = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colors["light"] == "rgb(255, 255, 255)"
    assert colors["dark"] == "rgb(17, 21, 28)"
