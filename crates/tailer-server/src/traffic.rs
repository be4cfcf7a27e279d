//! Counts requests by path and status, and how long they took, for `/metrics`.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use parking_lot::Mutex;

use crate::access::Route;

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];
const OTHERS: [&str; 7] = ["/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/sign-in", "/sign-out"];
/// The Studio's sections.
const PAGES: [&str; 5] = ["/operations", "/runs", "/workflows", "/events", "/assets"];
/// Every path that is none: a label per made-up path would be a way to fill memory.
const UNKNOWN: &str = "unknown";

#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(&'static str, u16), u64>,
    durations: BTreeMap<&'static str, Durations>,
}

#[derive(Debug, Default)]
struct Durations {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    seconds: f64,
}

impl Traffic {
    pub(crate) fn count(&self, path: &str, status: u16, took: Duration) {
        let path = label(path);
        let seconds = took.as_secs_f64();
        let mut counts = self.0.lock();
        *counts.requests.entry((path, status)).or_default() += 1;
        let durations = counts.durations.entry(path).or_default();
        durations.count += 1;
        durations.seconds += seconds;
        if let Some(bucket) =
            BOUNDS.iter().position(|bound| seconds <= *bound).and_then(|i| durations.buckets.get_mut(i))
        {
            *bucket += 1;
        }
    }

    /// Appends the counts in Prometheus's text format.
    pub(crate) fn render(&self, into: &mut String) {
        let counts = self.0.lock();
        into.push_str("# TYPE tailerd_http_requests_total counter\n");
        for ((path, status), count) in &counts.requests {
            let _ = writeln!(into, "tailerd_http_requests_total{{path=\"{path}\",status=\"{status}\"}} {count}");
        }
        into.push_str("# TYPE tailerd_http_request_duration_seconds histogram\n");
        for (path, durations) in &counts.durations {
            durations.render(path, into);
        }
    }
}

impl Durations {
    fn render(&self, path: &str, into: &mut String) {
        const NAME: &str = "tailerd_http_request_duration_seconds";
        let mut so_far = 0;
        for (bound, bucket) in BOUNDS.iter().zip(self.buckets) {
            so_far += bucket;
            let _ = writeln!(into, "{NAME}_bucket{{path=\"{path}\",le=\"{bound}\"}} {so_far}");
        }
        let Self { count, seconds, .. } = self;
        let _ = writeln!(into, "{NAME}_bucket{{path=\"{path}\",le=\"+Inf\"}} {count}");
        let _ = writeln!(into, "{NAME}_sum{{path=\"{path}\"}} {seconds}");
        let _ = writeln!(into, "{NAME}_count{{path=\"{path}\"}} {count}");
    }
}

fn label(path: &str) -> &'static str {
    let known = Route::ALL.into_iter().map(Route::path).chain(OTHERS).find(|known| *known == path);
    // Pages carry ids in their paths: a label for each section.
    let section = || {
        PAGES
            .into_iter()
            .find(|page| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    known.or_else(section).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_made_up_paths_share_a_label() {
        let traffic = Traffic::default();
        traffic.count("/healthz", 200, Duration::from_millis(2));
        traffic.count("/healthz", 200, Duration::from_secs(100));
        traffic.count("/\"evil", 404, Duration::ZERO);
        traffic.count("/runs/20201105-1588f12a", 200, Duration::ZERO);
        let mut text = String::new();
        traffic.render(&mut text);
        for line in [
            "tailerd_http_requests_total{path=\"/healthz\",status=\"200\"} 2",
            "tailerd_http_requests_total{path=\"unknown\",status=\"404\"} 1",
            "tailerd_http_requests_total{path=\"/runs\",status=\"200\"} 1",
            "tailerd_http_request_duration_seconds_bucket{path=\"/healthz\",le=\"0.001\"} 0",
            "tailerd_http_request_duration_seconds_bucket{path=\"/healthz\",le=\"0.005\"} 1",
            "tailerd_http_request_duration_seconds_bucket{path=\"/healthz\",le=\"60\"} 1",
            "tailerd_http_request_duration_seconds_bucket{path=\"/healthz\",le=\"+Inf\"} 2",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
    }
}
