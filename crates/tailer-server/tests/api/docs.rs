//! The documentation in the program: pages, search and the reference of the API, whose examples are understood.

use serde_json::Value;
use tailer_server::{Role, rules};

use crate::{
    studio::page,
    support::{ACCOUNT, House},
};

/// Text of HTML, for what stands in `pre`.
fn plain(html: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .iter()
        .fold(html.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[tokio::test]
async fn pages_are_listed_shown_and_searched() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let index = page(&house, &token, "/docs").await;
    assert_eq!(index.status, 200, "{}", index.text);
    let pages: Vec<&str> =
        index.text.split("href=\"/docs/").skip(1).filter_map(|rest| rest.split('?').next()).collect();
    assert!(pages.len() > 20 && pages.contains(&"start") && pages.contains(&"api-reference"), "{pages:?}");
    for name in pages {
        let shown = page(&house, &token, &format!("/docs/{name}")).await;
        assert_eq!(shown.status, 200, "{name}");
        assert_eq!(shown.text.matches("<h1").count(), 1, "{name}");
        assert!(shown.text.len() < 160 << 10, "{name} has {} bytes", shown.text.len());
        // Code may show what pages may not have.
        let prose: String =
            shown.text.split("<pre").map(|part| part.split_once("</pre>").map_or(part, |(_, after)| after)).collect();
        assert!(!shown.text.contains("ci: elsewhere") && !prose.contains("style="), "{name}");
    }
    let found = page(&house, &token, "/docs?q=idempotency-key").await.text;
    assert!(found.contains("<mark>Idempotency-Key</mark>") && found.contains("#h-calls\""), "{found}");
    let nothing = page(&house, &token, "/docs?q=%3Cscript%3E+xyzzy").await.text;
    assert!(nothing.contains("Nothing has all these words") && !nothing.contains("<script> xyzzy"), "{nothing}");
    assert_eq!(page(&house, &token, "/docs/nothing").await.status, 404);
    assert!(house.get("/docs/api").await.text.contains("Sign in"), "for those who are signed in");
}

#[tokio::test]
async fn links_keep_the_account_that_is_looked_at() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let shown = page(&house, &token, "/docs/api").await.text;
    assert!(shown.contains(&format!("href=\"/docs/users?account={ACCOUNT}#h-through-an-oidc-issuer\"")), "{shown}");
}

/// Every request that the reference shows is one that the server understands.
#[tokio::test]
async fn the_requests_of_the_reference_are_understood() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Admin).await;
    let shown = plain(&page(&house, &token, "/docs/api-reference").await.text);
    for (path, action, role) in rules().filter(|(_, action, _)| *action != "storage_notification") {
        let start = format!("<pre tabindex=\"0\" aria-label=\"Request of {action}\"><code>");
        let request = shown.split(&start).nth(1).and_then(|rest| rest.split("</code>").next());
        let request = request.unwrap_or_else(|| panic!("no request of {action}"));
        assert!(request.ends_with(&format!("\"${{TAILERD_SERVER}}{path}\"")), "{request}");
        let body = request.split("--data '").nth(1).and_then(|rest| rest.split("' \\").next()).unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_else(|why| panic!("{why}: {body}"));
        let answer = house.call(&token, &body).await;
        if answer.status != 200 {
            let error = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(error.starts_with("unknown_") && error != "unknown_action", "{action}: {}", answer.text);
        }
        let about = shown.split(&format!("<code>{action}</code></h3>")).nth(1).unwrap();
        assert!(about.split("</p>").next().unwrap().contains(&format!("<strong>{role}</strong>")), "{action}");
    }
}
