//! The last hours as bars: what became of the runs that started in each, and what they moved.

use std::fmt::Write as _;

use tailer_engine::HourView;
use tailer_model::SubStatus;

use super::{escaped, look};
use crate::studio::numbers;

/// Of an hour: a day of them is about as wide as a page, so that its text is as large as the page's.
const WIDTH: usize = 46;
const BASE: u64 = 150;
const TALL: u64 = 116;

/// What a colour stands for, from the bottom of a bar to its top: class, sign, name.
pub(in crate::studio) const LEGEND: [(&str, &str, &str); 5] = [
    ("good", "✓", "succeeded"),
    ("warn", "!", "with warnings, cancelled or not matched"),
    ("bad", "✗", "failed"),
    ("busy", "▶", "running"),
    ("soft", "…", "waiting"),
];

/// The runs of an hour whose outcome has a colour.
pub(in crate::studio) fn of_class(hour: &HourView, class: &str) -> u64 {
    let of = |(sub_status, _): &(&SubStatus, &u64)| look(sub_status.as_str()).0 == class;
    hour.outcomes.iter().filter(of).map(|(_, runs)| runs).sum()
}

/// The runs of each hour, stacked by what became of them; each bar leads to where `link` says.
pub(in crate::studio) fn timeline(hours: &[HourView], link: &dyn Fn(&HourView) -> String) -> String {
    let totals: Vec<u64> = hours.iter().map(|hour| hour.outcomes.values().sum()).collect();
    let most = totals.iter().copied().max().unwrap_or(0).max(1);
    let mut svg = begin(hours.len(), BASE + 26, "Runs started in each of the last 24 hours");
    scale(&mut svg, hours.len(), most, &numbers::thousands(most));
    for ((hour, total), column) in hours.iter().zip(&totals).zip(0..) {
        let x = 46 + WIDTH * column;
        if *total > 0 {
            bar(&mut svg, hour, x, most, link);
        }
        label(&mut svg, hour, x, column, hours.len(), BASE + 18);
    }
    svg.push_str("</svg>");
    svg
}

fn bar(svg: &mut String, hour: &HourView, x: usize, most: u64, link: &dyn Fn(&HourView) -> String) {
    let parts: Vec<(&str, &str, u64)> = LEGEND
        .iter()
        .map(|(class, _, name)| (*class, *name, of_class(hour, class)))
        .filter(|part| part.2 > 0)
        .collect();
    let told: Vec<String> =
        parts.iter().map(|(_, name, runs)| format!("{} {name}", numbers::thousands(*runs))).collect();
    let from = hour.hour.strftime("%H:%M");
    let _infallible =
        write!(svg, "<a href=\"{}\"><title>{from} UTC: {}</title>", escaped(&link(hour)), told.join(", "));
    let mut y = BASE;
    for (class, _, runs) in &parts {
        // Whatever there is, is seen.
        let height = (runs.saturating_mul(TALL) / most).max(2).min(y);
        y -= height;
        let _infallible =
            write!(svg, "<rect class=\"f-{class}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{height}\"/>", WIDTH - 8);
    }
    let failed = of_class(hour, "bad");
    if failed > 0 {
        let _infallible = write!(
            svg,
            "<text class=\"failed middle\" x=\"{}\" y=\"{}\">✗{}</text>",
            x + (WIDTH - 8) / 2,
            y.saturating_sub(4).max(11),
            numbers::short(failed)
        );
    }
    svg.push_str("</a>");
}

/// One figure of each hour, as small bars; `told` writes it.
pub(in crate::studio) fn figures(
    hours: &[HourView],
    name: &str,
    figure: &dyn Fn(&HourView) -> u64,
    told: &dyn Fn(u64) -> String,
) -> String {
    const BASE: u64 = 64;
    const TALL: u64 = 46;
    let most = hours.iter().map(figure).max().unwrap_or(0).max(1);
    let mut svg = begin(hours.len(), BASE + 22, name);
    let _infallible = write!(
        svg,
        "<line class=\"grid\" x1=\"42\" y1=\"{BASE}\" x2=\"{}\" y2=\"{BASE}\"/><text class=\"axis\" x=\"0\" y=\"12\">{}</text>",
        46 + WIDTH * hours.len(),
        told(most)
    );
    for (hour, column) in hours.iter().zip(0..) {
        let (value, x) = (figure(hour), 46 + WIDTH * column);
        if value > 0 {
            let height = (value.saturating_mul(TALL) / most).max(2);
            let _infallible = write!(
                svg,
                "<rect class=\"f-busy\" x=\"{x}\" y=\"{}\" width=\"{}\" height=\"{height}\"><title>{}: {}</title></rect>",
                BASE - height,
                WIDTH - 8,
                hour.hour.strftime("%H:%M"),
                told(value)
            );
        }
        label(&mut svg, hour, x, column, hours.len(), BASE + 16);
    }
    svg.push_str("</svg>");
    svg
}

fn begin(hours: usize, height: u64, name: &str) -> String {
    let width = 46 + WIDTH * hours;
    format!(
        "<svg class=\"chart hours\" viewBox=\"0 0 {width} {height}\" role=\"group\" aria-label=\"{}\">",
        escaped(name)
    )
}

/// The base line and the line of the greatest value.
fn scale(svg: &mut String, hours: usize, most: u64, told: &str) {
    let (right, top) = (46 + WIDTH * hours, BASE - TALL);
    debug_assert!(most > 0, "a bar is drawn in parts of it");
    let _infallible = write!(
        svg,
        "<line class=\"grid\" x1=\"42\" y1=\"{top}\" x2=\"{right}\" y2=\"{top}\"/><line class=\"grid\" x1=\"42\" y1=\"{BASE}\" x2=\"{right}\" y2=\"{BASE}\"/>\
         <text class=\"axis\" x=\"0\" y=\"{}\">{told}</text><text class=\"axis\" x=\"0\" y=\"{BASE}\">0</text>",
        top + 4
    );
}

/// The time below every third bar, and below the last.
fn label(svg: &mut String, hour: &HourView, x: usize, column: usize, hours: usize, y: u64) {
    if (hours - 1 - column).is_multiple_of(3) {
        let _infallible = write!(
            svg,
            "<text class=\"axis middle\" x=\"{}\" y=\"{y}\">{}</text>",
            x + (WIDTH - 8) / 2,
            hour.hour.strftime("%H:%M")
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn hour(outcomes: &[(SubStatus, u64)]) -> HourView {
        let hour = "2026-05-04T10:00:00Z".parse().unwrap();
        HourView { hour, outcomes: outcomes.iter().copied().collect::<BTreeMap<_, _>>(), rows: 1_500_000, bytes: 0 }
    }

    #[test]
    fn every_outcome_has_its_colour() {
        for sub_status in SubStatus::ALL {
            let hour = hour(&[(*sub_status, 3)]);
            let told: u64 = LEGEND.iter().map(|(class, ..)| of_class(&hour, class)).sum();
            assert_eq!(told, 3, "{sub_status}");
        }
    }

    #[test]
    fn a_failure_among_a_million_is_seen() {
        let hours = [hour(&[(SubStatus::Success, 1_000_000), (SubStatus::Failed, 1)]), hour(&[])];
        let drawn = timeline(&hours, &|_| "/runs?a=1&b=2".to_owned());
        assert!(drawn.contains("1,000,000 succeeded, 1 failed") && drawn.contains("✗1"), "{drawn}");
        assert!(drawn.contains("f-bad") && drawn.contains("a=1&amp;b=2"), "{drawn}");
        assert_eq!(drawn.matches("<a ").count(), 1, "an empty hour leads nowhere");
        let rows = figures(&hours, "Rows", &|hour| hour.rows, &numbers::short);
        assert!(rows.contains("10:00: 1.5 M"), "{rows}");
    }
}
