//! Signing in to the Studio through a real OIDC issuer (`.ci/counterparts`), as a browser does it: forms and redirects followed by
//! hand, cookies kept by origin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{collections::BTreeMap, path::Path};

use reqwest::{Method, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use support::{ACCOUNT, Server, command, run, skip, text};

/// Where people would reach the Studio; a browser's requests to it go to the server under test.
const STUDIO: &str = "https://tailer.example.com";

/// A page that a browser shows.
struct Page {
    status: StatusCode,
    text: String,
}

/// As much of a browser as a sign-in needs.
struct Browser {
    http: reqwest::Client,
    server: String,
    /// By origin, then by name.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// The address of the page shown.
    at: reqwest::Url,
    /// Every `Set-Cookie` of the Studio.
    set: Vec<String>,
}

impl Browser {
    fn new(server: &Server) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let at = STUDIO.parse().unwrap();
        Self { http, server: server.url.clone(), cookies: BTreeMap::new(), at, set: Vec::new() }
    }

    async fn open(&mut self, address: &str) -> Page {
        self.follow(Method::GET, address.to_owned(), None).await
    }

    /// Sends the form of a page, with more fields.
    async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let value = |from: &str, name: &str| {
            let rest = from.split(&format!("{name}=\"")).nth(1)?;
            Some(rest.split('"').next()?.replace("&amp;", "&"))
        };
        let action = value(&page.text, "action").unwrap_or_else(|| panic!("no form: {}", page.text));
        let hidden = page.text.split("type=\"hidden\"").skip(1);
        let hidden = hidden.filter_map(|input| Some((value(input, " name")?, value(input, " value")?)));
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut form = reqwest::Url::parse("form:").unwrap();
        form.query_pairs_mut().extend_pairs(hidden.chain(fields));
        self.follow(Method::POST, action, Some(form.query().unwrap_or_default().to_owned())).await
    }

    async fn follow(&mut self, mut method: Method, mut address: String, mut form: Option<String>) -> Page {
        for _ in 0..20 {
            let url = self.at.join(&address).unwrap();
            let origin = url.origin().ascii_serialization();
            self.at = url.clone();
            let target =
                if origin == STUDIO { format!("{}{}", self.server, &url.as_str()[STUDIO.len()..]) } else { url.into() };
            let kept = self.cookies.entry(origin.clone()).or_default();
            let cookie = kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let mut request =
                self.http.request(method.clone(), target).header("cookie", cookie).header("accept", "text/html");
            if let Some(form) = form.take() {
                request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
            }
            let response = request.send().await.unwrap();
            for set in response.headers().get_all("set-cookie") {
                let set = set.to_str().unwrap();
                let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
                match set.contains("Max-Age=0") {
                    true => kept.remove(name),
                    false => kept.insert(name.to_owned(), value.to_owned()),
                };
                if origin == STUDIO {
                    self.set.push(set.to_owned());
                }
            }
            let status = response.status();
            match response.headers().get("location").filter(|_| status.is_redirection()) {
                Some(location) => address = location.to_str().unwrap().to_owned(),
                None => return Page { status, text: response.text().await.unwrap() },
            }
            method = Method::GET;
        }
        panic!("redirected without end, at last to {}", self.at)
    }

    /// Goes through the issuer's pages as somebody.
    async fn sign_in(&mut self, from: &str, name: &str) -> Page {
        let form = self.open(from).await;
        assert!(form.text.contains("name=\"login\""), "{} {}", self.at, form.text);
        let consent = self.submit(&form, &[("login", name), ("password", "any")]).await;
        assert!(consent.text.contains("value=\"consent\""), "{} {}", self.at, consent.text);
        self.submit(&consent, &[]).await
    }
}

/// The issuer's address; none when it is not there.
fn issuer() -> Option<String> {
    let issuer = std::env::var("TAILERD_TEST_OIDC").ok();
    (!skip(issuer.is_none(), "TAILERD_TEST_OIDC is not set: run .ci/counterparts")).then_some(issuer?)
}

/// A server that is registered at the issuer, and its client there.
async fn server(data: &Path, issuer: &str, how: &str) -> (Server, Value) {
    let registration = json!({
        "redirect_uris": [format!("{STUDIO}/sign-in/oidc/return")], "token_endpoint_auth_method": how,
    });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.post(format!("{issuer}/reg")).json(&registration).send().await.unwrap();
    let client: Value = answer.json().await.unwrap();
    let grants = json!([{ "claim": "groups", "value": "ops", "account": ACCOUNT, "role": "operator" }]);
    let server = Server::start_as(data, |command| {
        command.env("TAILERD_OIDC_ISSUER", issuer).env("TAILERD_OIDC_CLIENT_ID", text(&client, "client_id"));
        if let Some(secret) = client["client_secret"].as_str() {
            command.env("TAILERD_OIDC_CLIENT_SECRET", secret);
        }
        command.env("TAILERD_OIDC_NAME", "the company's sign-on").env("TAILERD_OIDC_GRANTS", grants.to_string());
        command.env("TAILERD_PUBLIC_URL", STUDIO);
    });
    (server, client)
}

#[tokio::test]
async fn people_sign_in_through_the_issuer() {
    let Some(issuer) = issuer() else { return };
    _ = rustls::crypto::ring::default_provider().install_default();
    for how in ["client_secret_basic", "none"] {
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (server, _) = server(data.path(), &issuer, how).await;
        let mut browser = Browser::new(&server);
        let door = browser.open("/runs?status=FAILED").await;
        assert_eq!(browser.at.path(), "/sign-in");
        assert!(door.text.contains("Sign in with the company&#39;s sign-on"), "{}", door.text);
        let way = door.text.split("href=\"/sign-in/oidc").nth(1).unwrap().split('"').next().unwrap();
        let page = browser.sign_in(&format!("/sign-in/oidc{way}"), "ops-olga").await;
        assert_eq!((page.status, browser.at.as_str()), (StatusCode::OK, &*format!("{STUDIO}/runs?status=FAILED")));
        assert!(page.text.contains("ops-olga@example.com <span class=\"role\">operator</span>"), "{}", page.text);
        let session = browser.set.iter().find(|set| set.starts_with("tailerd_session=")).unwrap();
        for part in ["; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(browser.set.iter().all(|set| set.contains(part)), "{part}: {session}");
        }
        let left = browser.cookies[STUDIO].keys().collect::<Vec<_>>();
        assert_eq!(left, ["tailerd_session"], "the ticket is spent");
    }
}

#[tokio::test]
async fn who_has_no_role_gets_no_session() {
    let Some(issuer) = issuer() else { return };
    _ = rustls::crypto::ring::default_provider().install_default();
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (server, _) = server(data.path(), &issuer, "client_secret_basic").await;
    let add = |name: &str| {
        let mut command = command();
        command.args(["user", "add", name, "--account", ACCOUNT, "--role", "viewer", "--no-password", "--data"]);
        run(command.arg(data.path()), "").good()
    };
    let mut browser = Browser::new(&server);
    let page = browser.sign_in("/sign-in/oidc", "eva").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("You are eva@example.com at the issuer, but have no role"), "{}", page.text);
    assert!(!browser.cookies[STUDIO].contains_key("tailerd_session"));

    // A user without a password: the verified address is the name. An unverified one is nobody's.
    add("eva@example.com");
    add("unverified-eva@example.com");
    let page = browser.open("/sign-in/oidc").await;
    assert!(page.text.contains("eva@example.com <span class=\"role\">viewer</span>"), "{}", page.text);
    let page = Browser::new(&server).sign_in("/sign-in/oidc", "unverified-eva").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);

    // What is taken from the user is gone at the next page.
    let mut remove = command();
    run(remove.args(["user", "remove", "eva@example.com", "--data"]).arg(data.path()), "").good();
    assert_eq!(browser.open("/").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_sign_in_that_was_not_begun_here_is_refused() {
    let Some(issuer) = issuer() else { return };
    _ = rustls::crypto::ring::default_provider().install_default();
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (server, _) = server(data.path(), &issuer, "client_secret_post").await;
    let check = |page: &Page, status: u16, says: &str| {
        assert!(page.status == status && page.text.contains(says), "{} {}", page.status, page.text);
    };
    let mut browser = Browser::new(&server);
    check(&browser.open("/sign-in/oidc/return?code=x&state=y").await, 400, "not begun in this browser");

    // Begun, and the answer changed on its way.
    browser.open("/sign-in/oidc").await;
    let state = |browser: &Browser| browser.set.last().unwrap().split('=').nth(1).unwrap().to_owned();
    let sealed = state(&browser);
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let ticket = BASE64_URL_SAFE_NO_PAD.decode(sealed.split('.').next().unwrap()).unwrap();
    let ticket: Value = serde_json::from_slice(&ticket).unwrap();
    let back = |rest: &str| format!("{STUDIO}/sign-in/oidc/return?state={}&{rest}", text(&ticket, "state"));
    check(&browser.open(&back("code=forged")).await, 401, "The issuer refused");
    check(&browser.open(&back("code=forged")).await, 400, "not begun in this browser"); // a ticket is for one try

    browser.open(&format!("{STUDIO}/sign-in/oidc")).await;
    let ticket = BASE64_URL_SAFE_NO_PAD.decode(state(&browser).split('.').next().unwrap()).unwrap();
    let ticket: Value = serde_json::from_slice(&ticket).unwrap();
    let denied = format!(
        "{STUDIO}/sign-in/oidc/return?state={}&error=access_denied&error_description=%3Cb%3Eno",
        text(&ticket, "state")
    );
    check(&browser.open(&denied).await, 401, "access_denied: &#60;b&#62;no");
    assert!(!browser.cookies[STUDIO].contains_key("tailerd_session"));
}

#[test]
fn the_doctor_asks_the_issuer() {
    let Some(issuer) = issuer() else { return };
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let check = |issuer: &str, code: i32, says: &str| {
        let mut doctor = command();
        doctor.args(["doctor", "--data"]).arg(data.path());
        doctor.env("TAILERD_OIDC_ISSUER", issuer).env("TAILERD_OIDC_CLIENT_ID", "tailerd");
        let ended = run(&mut doctor, "");
        assert!(ended.code == Some(code) && ended.stdout.contains(says), "{says}: {}", ended.snapshot());
    };
    check(&issuer, 0, "answers, with 1 key");
    check(&format!("{issuer}/"), 1, "oidc.issuer must be written exactly so");
}
