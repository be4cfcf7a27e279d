"""Notes on an operation and on a run: what is attempted in one does nothing, another user sees it live, answers while more is written,
changes and removes the answer; all of it without scripts too."""

import studio
from studio import PHONE, expect

NOTE = """**Twice** a day since `2024-04-02`: see [the runs](/runs) and https://example.com/status

| day | files |
|---|---:|
| Monday | 2 |

<script>window.hurt = true</script><img src=x onerror="window.hurt = true">
[click](javascript:window.hurt=true) ![pixel](https://example.com/pixel.png)
"""


def harmless(page):
    note = page.locator(".note .md", has_text="Twice")
    expect(note.locator("strong")).to_have_text("Twice")
    expect(note.locator("td")).to_have_text(["Monday", "2"])
    expect(note).to_contain_text("<script>window.hurt = true</script>")
    assert note.locator("script, img, [onerror]").count() == 0
    links = note.locator("a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    assert links == ["/runs", "https://example.com/status", "https://example.com/pixel.png"], links
    note.get_by_text("click").click()
    assert page.evaluate("() => window.hurt === undefined"), "a script of a note has run"


def add(page, text):
    page.get_by_label("Add a note, in Markdown").fill(text)
    page.get_by_role("button", name="Add note").click()


def talk(browser, path, name):
    writer, reader = studio.signed_in(browser, "operator"), studio.signed_in(browser, "viewer")
    writer.goto(path)
    reader.goto(path)
    with studio.without_reload(reader):
        add(writer, NOTE)
        harmless(writer)
        harmless(reader)
        expect(writer.get_by_text("Edit or remove")).to_have_count(1)
        expect(reader.get_by_text("Edit or remove")).to_have_count(0)

        # Whoever writes is not disturbed, and misses nothing either.
        reader.get_by_text("Reply", exact=True).click()
        thread = reader.locator(".thread", has_text="Twice")
        answer = thread.get_by_label("Your reply, in Markdown")
        answer.fill("A *rerun* of")
        add(writer, "Another matter.")
        expect(reader.locator(".thread")).to_have_count(2)
        expect(answer).to_be_focused()
        expect(answer).to_have_value("A *rerun* of")
    with studio.without_reload(writer):
        answer.press_sequentially(" Monday.")
        thread.get_by_role("button", name="Send the reply").click()
        expect(writer.locator(".reply .md")).to_have_text("A rerun of Monday.")
        studio.accessible(reader)
        studio.picture(reader, f"{name}-wide")

        reader.get_by_text("Edit or remove").click()
        reader.get_by_label("Text of the note").fill("A rerun of **Sunday**.")
        studio.picture(reader, f"{name}-editing")
        studio.accessible(reader)
        reader.get_by_role("button", name="Save").click()
        expect(writer.locator(".reply .md strong")).to_have_text("Sunday")
        expect(writer.locator(".reply .note-head")).to_contain_text("edited")

        reader.get_by_text("Edit or remove").click()
        reader.get_by_role("button", name="Remove this note").click()
        expect(writer.locator(".note.reply")).to_have_count(0)
    phone = studio.signed_in(browser, "viewer", size=PHONE, scheme="dark")
    phone.goto(path)
    harmless(phone)
    studio.accessible(phone)
    studio.picture(phone, f"{name}-phone-dark")
    over = phone.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{over} pixels too wide"


def without_scripts(browser, path):
    page = studio.signed_in(browser, "operator", scripts=False)
    page.goto(path)
    add(page, "Written *without* scripts.")
    expect(page.locator(".note .md em").first).to_have_text("without")
    page.locator("summary", has_text="Reply").first.click()
    page.get_by_label("Your reply, in Markdown").first.fill("So is this.")
    page.get_by_role("button", name="Send the reply").first.click()
    expect(page.locator(".note.reply .md")).to_have_text("So is this.")


def refused(browser, path):
    page = studio.signed_in(browser, "operator")
    page.goto(path)
    # The field counts characters, the server bytes.
    add(page, "ä" * 40_000)
    expect(page.get_by_role("alert")).to_contain_text("80000 bytes")
    page.get_by_label("Text of the note").fill("Shorter now.")
    studio.accessible(page)
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".note .md").first).to_have_text("Shorter now.")


with studio.browser() as browser:
    studio.deploy("numbers")
    run = studio.launch("numbers", "--param", "n=3")
    for who in ("operator", "viewer"):
        studio.signed_in(browser, who).context.close()
    page = studio.signed_in(browser, "viewer")
    page.goto(f"/runs/{run}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("SUCCESS")
    talk(browser, studio.operation("numbers"), "notes-operation")
    talk(browser, f"/runs/{run}", "notes-run")
    without_scripts(browser, f"/runs/{run}")
    refused(browser, studio.operation("numbers"))
