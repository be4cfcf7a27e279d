"""Every page with real data: pictures in both sizes and schemes, nothing serious by axe-core, small, of one origin, readable without
scripts, and walked through by keys.

A new page is a line in `PAGES`: a name for its pictures, and its path.
"""

import json
import os
import re
import urllib.request

import studio
from studio import PHONE, WIDE, expect

FIRST_VIEW = 200_000  # bytes


def runs(*filters):
    return json.loads(studio.tailerd("runs", *filters, "--json"))


def expectation(search):
    """Where the first expectation is shown that a search finds."""
    headers = {"Authorization": f"Bearer {os.environ['TAILERD_TOKEN']}"}
    found = urllib.request.Request(f"{studio.URL}/quality?q={search}", headers=headers)
    with urllib.request.urlopen(found, timeout=60) as answer:
        return re.search(r'href="(/quality/[0-9a-f]+)"', answer.read().decode()).group(1)


def note(text, **subject):
    """Writes a note through the API, or a reply; its number."""
    body = json.dumps({"action": "add_note", "account": studio.ACCOUNT, "text": text, **subject}).encode()
    headers = {"Authorization": f"Bearer {os.environ['TAILERD_TOKEN']}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{studio.URL}/v1/notes", data=body, headers=headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)["note"]


def noted(run):
    """People have told each other what they know, of an operation, a run and a table."""
    about = {"environment": "DEV", "configuration_type": "gbq-to-gbq", "configuration_id": "retail-prepare_DEV"}
    first = note("The stores of **Lausanne** send their files after midnight; see [the runs](/runs?id=retail).\n\n"
                 "| store | files by |\n|---|---:|\n| S08 | 00:40 |\n| S09 | 01:15 |", **about)
    note("Then `0 2 * * *` is early enough.", thread=first, **about)
    note("- [x] told the team of orders\n- [ ] rename the column", run_id=run)
    note("`revenue` is *after* discount since April.", table="retail-demo.core.sales")


def the_pages():
    failed = runs("table-to-table", "broken_DEV")[0]["run_id"]
    loaded = runs("storage-to-tables", "retail-load_DEV")[0]["run_id"]
    prepared = runs("table-to-table", "retail-prepare_DEV")[0]["run_id"]
    long = runs("table-to-table", "customer-lifetime-value-by-acquisition-channel-and-month_DEV", "--status", "FAILED")[0]["run_id"]
    noted(long)
    studio.redeploy("JA", short_description="One row, from now on every morning", start_date="2024, 01, 01",
                    schedule_interval="0 7 * * *")
    return {
        "overview": "/",
        "operations": "/operations",
        "operations-searched": "/operations?q=retail&kind=table-to-table",
        "operations-failing": "/operations?state=failing&sort=failures",
        "operations-none": "/operations?q=nothing",
        "operation": studio.operation("retail-prepare", "table-to-table"),
        "operation-load": studio.operation("retail-load", "storage-to-tables"),
        "operation-workflow": studio.operation("retail-when-loaded", "workflow"),
        "operation-export": studio.operation("retail-export", "table-to-storage"),
        "operation-copy": studio.operation("retail-receive", "storage-to-storage"),
        "operation-context": f"/operations/{studio.ACCOUNT}/DEV/context/base",
        "operation-long": studio.operation("customer-lifetime-value-by-acquisition-channel-and-month"),
        "operation-failing": studio.operation("broken"),
        "operation-older": f"{studio.operation('JA')}?version=1",
        "versions": f"{studio.operation('JA')}/versions?diff=1..2",
        "runs": "/runs",
        "runs-failed": "/runs?status=FAILED",
        "runs-none": "/runs?status=CHECKED",
        "runs-filtered": "/runs?id=retail&environment=DEV&status=SUCCESS",
        "run": f"/runs/{prepared}",
        "run-load": f"/runs/{loaded}",
        "run-failed": f"/runs/{failed}",
        "run-long": f"/runs/{long}",
        "run-log-filtered": f"/runs/{failed}?level=ERROR",
        "workflows": "/workflows",
        "catalog": "/catalog",
        "catalog-dataset": "/catalog/retail-demo/core",
        "catalog-table": "/catalog/retail-demo/core/sales",
        "catalog-load": "/catalog/retail-demo/raw/products",
        "workflows-disabled": "/workflows?state=disabled",
        "audit": "/audit",
        "audit-operation": "/audit?target=DEV/table-to-table/retail-prepare_DEV",
        "quality": "/quality",
        "quality-failed": "/quality?result=failed&q=city",
        "quality-none": "/quality?q=nothing",
        "expectation": expectation("unique"),
        "expectation-rows": expectation("table_count_between"),
        "expectation-unchecked": expectation("missing"),
        "freshness": "/freshness",
        "freshness-late": "/freshness?timing=Late",
        "settings": "/settings",
        "docs": "/docs",
        "docs-found": "/docs?q=write+disposition",
        "docs-page": "/docs/googlesql",
        "docs-start": "/docs/start",
        "docs-reference": "/docs/api-reference",
        "not-found": "/runs/nothing",
        "signed-in": "/sign-in",
    }


def heading(page):
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page.get_by_role("heading", level=1).inner_text()


def looked_at(browser, pages):
    """Pictures and axe-core; no page is wider than its window."""
    for size, width in ((WIDE, "wide"), (PHONE, "phone")):
        for scheme in ("light", "dark"):
            page = studio.signed_in(browser, "admin", size=size, scheme=scheme)
            for name, path in pages.items():
                page.goto(path)
                heading(page)
                studio.picture(page, f"{name}-{width}-{scheme}")
                studio.accessible(page)
                over = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert over <= 0, f"{path} is {over} pixels wider than a window of {size[0]}"
            page.context.close()
    stranger = browser.context()
    page = stranger.new_page()
    page.goto("/sign-in")
    studio.accessible(page)
    studio.picture(page, "sign-in")
    stranger.close()


def small(browser, pages):
    """What a first view transfers, nothing being cached."""
    for name, path in pages.items():
        page = studio.signed_in(browser, "admin")
        browser.watch.loaded.clear()
        page.goto(path, wait_until="load")
        size = studio.transferred(browser)
        assert 0 < size < FIRST_VIEW, f"{path} transfers {size} bytes"
        print(f"{name}: {size} bytes")
        page.context.close()


def readable_without_scripts(browser, pages):
    with_scripts, without = studio.signed_in(browser, "admin"), studio.signed_in(browser, "admin", scripts=False)
    outline = lambda page: page.get_by_role("heading").all_inner_texts()
    for path in pages.values():
        with_scripts.goto(path)
        without.goto(path)
        assert heading(without) and outline(without) == outline(with_scripts), path


def walked_by_keys(browser):
    page = studio.signed_in(browser, "admin")
    page.goto("/operations")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    search.fill("retail-prep")
    search.press("Enter")
    expect(page.locator("tbody a.row")).to_have_count(1)
    assert "q=retail-prep" in page.url, page.url
    page.goto("/runs")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tbody a.row").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("tbody a.row").nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    # The first stop of the tab key leads past the navigation.
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def changes_its_theme(browser):
    page = studio.signed_in(browser, "admin", scheme="light")
    page.goto("/")
    background = lambda: page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    light = background()
    page.get_by_role("button", name="Dark or light").click()
    dark = background()
    assert light != dark
    page.reload()
    assert background() == dark, "kept"


with studio.browser() as browser:
    pages = the_pages()
    studio.signed_in(browser, "admin").context.close()
    small(browser, pages)
    looked_at(browser, pages)
    readable_without_scripts(browser, pages)
    walked_by_keys(browser)
    changes_its_theme(browser)
