//! `/settings`: administrators give and take roles on their account, and on no other; everybody changes their own password.

use tailer_engine::Clock;
use tailer_server::Role;
use tailer_store::users;

use crate::{
    sign_in::{PASSWORD, change, cookie, form_token, send, with_ana},
    support::{ACCOUNT, Answer, House, OTHER, a_test},
};

async fn page(house: &House, cookie: &str) -> String {
    let request = house.http.get(format!("{}/settings", house.url)).header("cookie", cookie);
    Answer::of(request.send().await.unwrap()).await.text
}

async fn ana(house: &House) -> String {
    cookie(&send(house, "/sign-in", &[], &[("name", "ana"), ("password", PASSWORD)]).await)
}

/// Posts a form of the settings with the session's own token.
pub(crate) async fn submit(house: &House, cookie: &str, what: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = form_token(&page(house, cookie).await);
    let form = [fields, &[("csrf", csrf.as_str()), ("account", ACCOUNT)]].concat();
    send(house, &format!("/settings/{what}"), &[("cookie", cookie)], &form).await
}

pub(crate) async fn raise_ana(house: &House) {
    let (account, now) = (ACCOUNT.parse().unwrap(), house.clock.now());
    change(house, move |tx| users::grant(tx, "ana", &account, Some("admin"), &a_test(), now)).await;
}

#[tokio::test]
async fn an_administrator_gives_and_takes_roles() {
    let house = with_ana().await;
    let ana = ana(&house).await;
    assert!(!page(&house, &ana).await.contains("API tokens"), "an operator sees only themselves");
    let bob = [("name", "Bob"), ("password", "a long one"), ("role", "operator")];
    assert_eq!(submit(&house, &ana, "member", &bob).await.status, 403);
    raise_ana(&house).await;

    assert_eq!(submit(&house, &ana, "member", &bob).await.status, 303);
    assert_eq!(submit(&house, &ana, "member", &bob).await.status, 409, "his password is his own");
    assert_eq!(submit(&house, &ana, "member", &[("name", "eva@x.y"), ("role", "viewer")]).await.status, 303);
    let shown = page(&house, &ana).await;
    assert!(shown.contains("bob") && shown.contains("eva@x.y") && shown.contains("nothing: no issuer"), "{shown}");
    cookie(&send(&house, "/sign-in", &[], &[("name", "bob"), ("password", "a long one")]).await);

    assert_eq!(submit(&house, &ana, "role", &[("name", "bob"), ("role", "admin")]).await.status, 303);
    assert_eq!(submit(&house, &ana, "role", &[("name", "ana"), ("role", "viewer")]).await.status, 409, "oneself");
    assert_eq!(submit(&house, &ana, "take", &[("name", "bob")]).await.status, 303);
    assert_eq!(submit(&house, &ana, "take", &[("name", "bob")]).await.status, 404);
    let empty = [("name", "eva@x.y"), ("password", "")];
    assert_eq!(send(&house, "/sign-in", &[], &empty).await.status, 401, "nothing is no password");
    assert_eq!(submit(&house, &ana, "member", &[("name", "a b"), ("role", "viewer")]).await.status, 400);
    let forged = [("csrf", "forged"), ("account", ACCOUNT), ("name", "x"), ("role", "admin")];
    assert_eq!(send(&house, "/settings/member", &[("cookie", &ana)], &forged).await.status, 403);
}

#[tokio::test]
async fn tokens_are_made_shown_once_and_revoked() {
    let house = with_ana().await;
    raise_ana(&house).await;
    let ana = ana(&house).await;
    let made = submit(&house, &ana, "token", &[("role", "viewer"), ("days", "30")]).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let token = made.text.split("aria-label=\"New token\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let list = serde_json::json!({"action": "list_configurations", "account": ACCOUNT});
    house.call(&token, &list).await.is_fine();
    let shown = page(&house, &ana).await;
    assert!(!shown.contains(&token) && shown.contains("user:ana"), "{shown}");
    for days in ["0", "3651", "x", ""] {
        assert_eq!(submit(&house, &ana, "token", &[("role", "viewer"), ("days", days)]).await.status, 400, "{days}");
    }

    let id = shown.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(submit(&house, &ana, "revoke", &[("id", id)]).await.status, 303);
    house.clock.turn(jiff::SignedDuration::from_secs(3));
    house.call(&token, &list).await.is_error(401, "invalid_token");
    let elsewhere = house.mint(OTHER, Role::Admin, jiff::SignedDuration::from_hours(1)).await;
    assert_eq!(submit(&house, &ana, "revoke", &[("id", &elsewhere.id)]).await.status, 404, "another account's");
}

#[tokio::test]
async fn a_user_changes_their_own_password() {
    let house = with_ana().await;
    let session = ana(&house).await;
    let wrong = [("old", "not it"), ("new", "a new long one")];
    assert_eq!(submit(&house, &session, "password", &wrong).await.status, 403);
    assert_eq!(submit(&house, &session, "password", &[("old", PASSWORD), ("new", "short")]).await.status, 400);
    let right = [("old", PASSWORD), ("new", "a new long one")];
    assert_eq!(submit(&house, &session, "password", &right).await.status, 303);
    assert!(page(&house, &session).await.contains("Sign in"), "the session has ended");
    cookie(&send(&house, "/sign-in", &[], &[("name", "ana"), ("password", "a new long one")]).await);
}
