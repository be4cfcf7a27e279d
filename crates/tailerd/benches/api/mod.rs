//! The calls that the benches measure, on connections that are kept.

#![allow(dead_code, unreachable_pub, reason = "each bench uses a part")]

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{ACCOUNT, Server, text};

/// The calls that are measured.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    pub fn new(server: &Server) -> Self {
        Self { client: client(), url: server.url.clone(), token: server.token.clone() }
    }

    async fn call(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    pub async fn launch(&self, id: &str) -> String {
        let answer = self.call("/v1/dag/launch", &body("launch_job", id)).await;
        text(&answer, "run_id").to_owned()
    }

    pub async fn status(&self, id: &str, run_id: &str) -> String {
        text(&self.check(id, run_id).await, "status").to_owned()
    }

    async fn check(&self, id: &str, run_id: &str) -> Value {
        let mut body = body("check_run_status", id);
        body["run_id"] = json!(run_id);
        self.call("/v1/dag/status", &body).await["results"][0].take()
    }

    /// The newest run, if there is any.
    pub async fn last(&self, id: &str) -> Option<Value> {
        let mut body = body("get_last_status", id);
        body["limit"] = json!(1);
        let mut answer = self.call("/v1/dag/status", &body).await;
        answer["results"].as_array_mut().and_then(Vec::pop)
    }

    /// Asks until the run has ended well.
    pub async fn ended(&self, id: &str, run_id: &str) -> Value {
        loop {
            let run = self.check(id, run_id).await;
            match text(&run, "status") {
                "RUNNING" => tokio::time::sleep(Duration::from_millis(1)).await,
                "SUCCESS" => return run,
                other => panic!("run {run_id} is {other}"),
            }
        }
    }
}

fn body(action: &str, id: &str) -> Value {
    json!({ "action": action, "account": ACCOUNT, "environment": "DEV", "configuration_type": "gbq-to-gbq",
            "configuration_id": id })
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_certs_only([]).tcp_nodelay(true).build().unwrap()
}
