"""Somebody signs in through the company's issuer, comes out where they wanted to go, may do what their group may, and signs out;
somebody without a role is told so."""

import studio
from studio import expect


def through_the_issuer(page, name):
    page.get_by_role("link", name="Sign in with the company's sign-on").click()
    page.wait_for_url(f"{studio.ELSEWHERE}/**")
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    # What the issuer tells the Studio is agreed to.
    page.wait_for_url(f"{studio.ELSEWHERE}/**")
    page.locator("button[type=submit]").click()
    page.wait_for_url(f"{studio.URL}/**")


with studio.browser() as browser:
    studio.deploy("numbers")
    page = browser.context().new_page()
    page.goto(studio.operation("numbers"))
    studio.accessible(page)
    studio.picture(page, "sign-in-with-issuer")
    through_the_issuer(page, "ops-olga")
    expect(page.get_by_role("heading", level=1)).to_contain_text("numbers_DEV")
    expect(page.get_by_text("ops-olga@example.com operator")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("button", name="Enable")).to_be_visible()
    page.goto("/settings")
    expect(page.get_by_label("Old password")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    page.goto("/runs")
    expect(page).to_have_url(f"{studio.URL}/sign-in?next=%2Fruns")

    stranger = browser.context().new_page()
    stranger.goto("/")
    through_the_issuer(stranger, "eva")
    expect(stranger.get_by_text("You are eva@example.com at the issuer, but have no role")).to_be_visible()
    stranger.goto("/")
    expect(stranger).to_have_url(f"{studio.URL}/sign-in?next=%2F")
