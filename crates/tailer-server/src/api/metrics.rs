//! `/metrics` in Prometheus's text format.
//!
//! Open to a peer on the same machine (unless a proxy says that it forwards for another), or to everyone if the settings say
//! so; anybody else needs a token, whatever its role: the numbers name no account.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, header},
    response::IntoResponse,
};

use crate::{app::App, errors::ApiError, observe::Peer};

pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let here = peer.is_some_and(|peer| peer.0.0.ip().to_canonical().is_loopback());
    let forwarded = headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for");
    if !app.settings.metrics_for_everyone && (!here || forwarded) {
        app.authenticator.authenticate(&headers, &app.limiter).await?;
    }
    let mut text = String::with_capacity(8 << 10);
    app.traffic.render(&mut text);
    let _ = writeln!(text, "# TYPE tailerd_http_requests_in_flight gauge");
    let _ = writeln!(text, "tailerd_http_requests_in_flight {}", app.limiter.in_flight());
    render(&app.engine.metrics().await, &mut text);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// Name, labels, value.
type Metric = (String, Vec<(String, String)>, f64);

/// Appends the engine's numbers. A name that ends with `_total` is a counter.
fn render(numbers: &[Metric], into: &mut String) {
    let names: BTreeSet<&str> = numbers.iter().map(|(name, ..)| name.as_str()).collect();
    for name in names {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let _ = writeln!(into, "# TYPE {name} {kind}");
        for (_, labels, value) in numbers.iter().filter(|(other, ..)| other == name) {
            let labels: Vec<_> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(into, "{name}{labels} {value}");
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_name_with_their_type() {
        let labelled = |value: &str| vec![("status".to_owned(), value.to_owned())];
        let numbers = [
            ("runs".to_owned(), labelled("RUNNING"), 2.0),
            ("ticks_total".to_owned(), vec![], 7.5),
            ("runs".to_owned(), labelled("a\"b"), 1.0),
        ];
        let mut text = String::new();
        render(&numbers, &mut text);
        let expect = "# TYPE runs gauge\nruns{status=\"RUNNING\"} 2\nruns{status=\"a\\\"b\"} 1\n\
                      # TYPE ticks_total counter\nticks_total 7.5\n";
        assert_eq!(text, expect);
    }
}
