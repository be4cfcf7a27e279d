//! Signing in to the Studio: passwords, tokens, sessions and their ends, forms of other sites.

use jiff::SignedDuration;
use reqwest::redirect::Policy;
use tailer_engine::Clock;
use tailer_server::{
    Role,
    auth::{hash_password, user_name},
};
use tailer_store::{Durability, StoreError, Tx, tokens, users};

use crate::support::{ACCOUNT, Answer, House, a_test};

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) async fn change<T: Send + 'static>(
    house: &House,
    change: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    house.store.write(Durability::Synced, change).await.unwrap()
}

pub(crate) async fn with_ana() -> House {
    let house = House::open().await;
    let (name, hash, now) = (user_name("Ana").unwrap(), hash_password(PASSWORD).unwrap(), house.clock.now());
    change(&house, move |tx| users::add(tx, &name, &hash, (&ACCOUNT.parse().unwrap(), "operator"), &a_test(), now))
        .await;
    house
}

/// Posts a form as a browser would, following nothing.
pub(crate) async fn send(house: &House, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let body =
        form.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect::<Vec<_>>().join("&");
    let mut request = client.post(format!("{}{path}", house.url));
    request = request.header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body(body).send().await.unwrap()).await
}

/// The cookie that a sign-in set, as the browser sends it back.
#[track_caller]
pub(crate) fn cookie(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text);
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Lax") && set.contains("Path=/"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

async fn look(house: &House, cookie: &str) -> String {
    let request = house.http.get(format!("{}/sign-in", house.url)).header("cookie", cookie);
    Answer::of(request.send().await.unwrap()).await.text
}

pub(crate) fn form_token(page: &str) -> String {
    page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_signs_in_and_out() {
    let house = with_ana().await;
    let form = [("name", "ANA"), ("password", PASSWORD), ("next", "/runs?a=1")];
    let answer = send(&house, "/sign-in", &[], &form).await;
    assert_eq!(answer.headers["location"], "/runs?a=1");
    let cookie = cookie(&answer);
    let page = look(&house, &cookie).await;
    assert!(page.contains("<strong>ana</strong>") && page.contains("operator on account 000099"), "{page}");
    assert!(!look(&house, &format!("{cookie}x")).await.contains("Signed in"), "the signature is checked");

    let csrf = form_token(&page);
    let check = async |headers: &[(&str, &str)], csrf: &str| {
        let headers = [&[("cookie", cookie.as_str())], headers].concat();
        send(&house, "/sign-out", &headers, &[("csrf", csrf)]).await
    };
    check(&[], "").await.is_error(403, "forbidden_form");
    check(&[("sec-fetch-site", "cross-site")], &csrf).await.is_error(403, "forbidden_form");
    check(&[("origin", "http://evil.example")], &csrf).await.is_error(403, "forbidden_form");
    assert_eq!(check(&[("origin", &house.url)], &csrf).await.status, 303);
    assert!(!look(&house, &cookie).await.contains("Signed in"), "the session has ended at the server too");
}

#[tokio::test]
async fn guesses_learn_nothing_and_are_counted() {
    let house = with_ana().await;
    let guess = async |name: &str| send(&house, "/sign-in", &[], &[("name", name), ("password", "wrong one")]).await;
    let (known, unknown) = (guess("ana").await, guess("eva").await);
    assert_eq!((known.status.as_u16(), unknown.status.as_u16()), (401, 401));
    assert_eq!(known.text, unknown.text.replace("value=\"eva\"", "value=\"ana\""));
    for _ in 0..4 {
        guess("ana").await;
    }
    let form = [("name", "ana"), ("password", PASSWORD)];
    let throttled = send(&house, "/sign-in", &[], &form).await;
    assert_eq!(throttled.status, 429, "also when right");
    assert!(throttled.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    house.clock.turn(SignedDuration::from_secs(31));
    cookie(&send(&house, "/sign-in", &[], &form).await);
    let answer = guess("<script>").await;
    assert!(!answer.text.contains("<script>"), "{}", answer.text);
}

#[tokio::test]
async fn sessions_end_by_age_and_with_their_owner() {
    let house = with_ana().await;
    let form = [("name", "ana"), ("password", PASSWORD), ("next", "//evil.example")];
    let answer = send(&house, "/sign-in", &[("x-forwarded-proto", "https")], &form).await;
    assert_eq!(answer.headers["location"], "/", "no way to another site");
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("; Secure"));
    let idle = cookie(&answer);
    house.clock.turn(SignedDuration::from_hours(11));
    assert!(look(&house, &idle).await.contains("Signed in"));
    house.clock.turn(SignedDuration::from_hours(11));
    assert!(look(&house, &idle).await.contains("Signed in"), "used within twelve hours");
    house.clock.turn(SignedDuration::from_hours(13));
    assert!(!look(&house, &idle).await.contains("Signed in"));

    let removed = cookie(&send(&house, "/sign-in", &[], &form).await);
    let now = house.clock.now();
    change(&house, move |tx| users::remove(tx, "ana", &a_test(), now)).await;
    assert!(!look(&house, &removed).await.contains("Signed in"));
}

#[tokio::test]
async fn a_token_signs_in_until_it_is_revoked() {
    let house = House::open().await;
    let minted = house.mint(ACCOUNT, Role::Viewer, SignedDuration::from_hours(1)).await;
    let cookie = cookie(&send(&house, "/sign-in", &[], &[("token", &minted.token)]).await);
    assert!(look(&house, &cookie).await.contains("viewer on account 000099"));
    let now = house.clock.now();
    change(&house, move |tx| tokens::revoke(tx, &minted.id, &a_test(), now)).await;
    assert!(!look(&house, &cookie).await.contains("Signed in"));
    assert_eq!(send(&house, "/sign-in", &[], &[("token", "a.b.c")]).await.status, 401);
    let foreign = send(&house, "/sign-in", &[("sec-fetch-site", "cross-site")], &[("token", "a.b.c")]).await;
    foreign.is_error(403, "forbidden_form");
}
