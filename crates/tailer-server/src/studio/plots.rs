//! Values over time as SVG drawn by the server: points whose shape tells whether they were met, a trace between them, and what was
//! allowed as a dashed line that moves when the limit did.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::numbers::thousands;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 884.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 244.0;

/// What is drawn upwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Rejected per looked at, 0 to 1.
    Share,
    Rejected,
    /// Days that were rejected.
    Days,
    /// Rows of a table, whose zero need not be seen.
    Rows,
}

impl Scale {
    fn about(self) -> &'static str {
        match self {
            Self::Share => "Rejected, in percent of what was looked at",
            Self::Rejected => "Rows too many or missing",
            Self::Days => "Days rejected",
            Self::Rows => "Rows of the table",
        }
    }

    fn text(self, value: f64) -> String {
        if self == Self::Share { percent(value) } else { counted(value) }
    }
}

/// One result.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) at: Timestamp,
    /// `None` when nothing could be found out.
    pub(super) value: Option<f64>,
    pub(super) passed: bool,
    /// What was allowed: at most one line of them each, in the same order.
    pub(super) limits: Vec<f64>,
    /// For people who point at it.
    pub(super) told: String,
}

/// What to draw, oldest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot<'a> {
    pub(super) scale: Scale,
    pub(super) points: &'a [Point],
}

/// The drawing; empty without points.
pub(super) fn over_time(plot: &Plot<'_>) -> String {
    let (Some(first), Some(last)) = (plot.points.first(), plot.points.last()) else { return String::new() };
    let about = plot.scale.about();
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{about}, over time\">\
         <text class=\"axis\" x=\"{LEFT}\" y=\"13\">{about}</text>"
    );
    let axis = Axis::of(plot);
    for tick in axis.ticks() {
        let y = axis.y(tick);
        let _infallible = write!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/><text class=\"axis end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            plot.scale.text(tick)
        );
    }
    let time = Time { first: first.at, last: last.at };
    time.draw(&mut svg);
    limits(&mut svg, plot, &axis, &time);
    let seen = plot.points.iter().filter_map(|point| Some((time.x(point.at), axis.y(point.value?))));
    let trace: Vec<String> = seen.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    if trace.len() > 1 {
        let _infallible = write!(svg, "<path class=\"trace\" d=\"M{}\"/>", trace.join("L"));
    }
    for point in plot.points {
        mark(&mut svg, point, plot.scale, time.x(point.at), point.value.map_or(BOTTOM, |value| axis.y(value)));
    }
    svg.push_str("</svg>");
    svg
}

/// A round point that was met, a square on its tip that was not, a triangle on the ground of which nothing is known.
fn mark(svg: &mut String, point: &Point, scale: Scale, x: f64, y: f64) {
    let value = point.value.map(|value| format!("{}: ", scale.text(value))).unwrap_or_default();
    let title = format!(
        "<title>{} {value}{}</title>",
        point.at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M"),
        super::charts::escaped(&point.told)
    );
    let _infallible = match (point.value, point.passed) {
        (None, _) => write!(svg, "<path class=\"f-warn\" d=\"M{:.1} {:.1}h14l-7 -12z\">{title}</path>", x - 7.0, y),
        (Some(_), true) => {
            write!(svg, "<circle class=\"f-good\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\">{title}</circle>")
        }
        (Some(_), false) => {
            write!(svg, "<path class=\"f-bad\" d=\"M{:.1} {y:.1}l7 -7l7 7l-7 7z\">{title}</path>", x - 7.0)
        }
    };
}

/// Each limit as a line of steps, named at its end.
fn limits(svg: &mut String, plot: &Plot<'_>, axis: &Axis, time: &Time) {
    let lines = plot.points.iter().map(|point| point.limits.len()).max().unwrap_or(0);
    for line in 0..lines {
        let (mut path, mut last) = (String::new(), None);
        for point in plot.points {
            let Some(limit) = point.limits.get(line) else { continue };
            let (x, y) = (time.x(point.at), axis.y(*limit));
            // It holds from where it was first seen; before the first result it is drawn to the edge.
            let _infallible = match last {
                None => write!(path, "M{LEFT} {y:.1}H{x:.1}"),
                Some(_) => write!(path, "H{x:.1}V{y:.1}"),
            };
            last = Some(*limit);
        }
        let Some(last) = last else { continue };
        let y = axis.y(last);
        // Where there is no room above the line the name goes below.
        let label = if y < TOP + 16.0 { y + 15.0 } else { y - 6.0 };
        let _infallible = write!(
            svg,
            "<path class=\"limit\" d=\"{path}H{RIGHT}\"/><text class=\"told end\" x=\"{RIGHT}\" y=\"{label:.1}\">allowed {}</text>",
            plot.scale.text(last)
        );
    }
}

/// From values to heights.
#[derive(Debug, Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    fn of(plot: &Plot<'_>) -> Self {
        let values = || plot.points.iter().flat_map(|point| point.value.iter().chain(&point.limits).copied());
        let (least, most) = values().fold((f64::MAX, 0.0), |(least, most): (f64, f64), v| (least.min(v), most.max(v)));
        let whole = plot.scale != Scale::Share;
        let most = if most > 0.0 {
            most
        } else if whole {
            1.0
        } else {
            0.01
        };
        let low = if plot.scale == Scale::Rows && least < most { (least - (most - least) * 0.2).max(0.0) } else { 0.0 };
        let step = round_step((most - low) / 4.0, whole);
        let low = (low / step).floor() * step;
        // Some air above the highest value.
        let high = ((most - low) * 1.06 / step).ceil() * step + low;
        Self { low, high, step }
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        BOTTOM - part.clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        (0_u8..12).map(move |n| self.low + f64::from(n) * self.step).take_while(move |tick| *tick <= self.high * 1.0001)
    }
}

/// The least of 1, 2 or 5 times a power of ten that is not below `least`.
fn round_step(least: f64, whole: bool) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= least * 0.9999);
    let step = step.unwrap_or(least);
    if whole { step.max(1.0) } else { step }
}

/// From instants to the side.
#[derive(Debug, Clone, Copy)]
struct Time {
    first: Timestamp,
    last: Timestamp,
}

impl Time {
    fn x(&self, at: Timestamp) -> f64 {
        let whole = self.last.duration_since(self.first).as_secs_f64();
        if whole <= 0.0 {
            return f64::midpoint(LEFT, RIGHT);
        }
        LEFT + 14.0 + at.duration_since(self.first).as_secs_f64() / whole * (RIGHT - LEFT - 28.0)
    }

    /// Days where they began, at most nine; in less than some days up to five moments, evenly apart.
    fn draw(&self, svg: &mut String) {
        let whole = self.last.duration_since(self.first);
        if whole.as_hours() >= 96 {
            return self.days(svg);
        }
        let (count, format) = match whole.as_secs() {
            0 => (1, "%Y-%m-%d %H:%M"),
            1..3600 => (4, "%b %d %H:%M:%S"),
            _ => (5, "%b %d %H:%M"),
        };
        for n in 0..count {
            let part = whole.as_secs() / i64::from((count - 1).max(1)) * i64::from(n);
            let at = if n + 1 == count { self.last } else { self.first + SignedDuration::from_secs(part) };
            let (x, class) = match n {
                _ if count == 1 => (self.x(at), "axis middle"),
                0 => (LEFT, "axis"),
                n if n + 1 == count => (RIGHT, "axis end"),
                _ => (self.x(at), "axis middle"),
            };
            let text = at.to_zoned(TimeZone::UTC).strftime(format);
            let _infallible =
                write!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\">{text}</text>", BOTTOM + 22.0);
        }
    }

    /// Midnights, UTC, counted back from the last; where its name would not fit, a day has none.
    fn days(&self, svg: &mut String) {
        const HALF_A_NAME: f64 = 34.0;
        let span = self.last.duration_since(self.first).as_hours() / 24;
        let step = (span / 9 + 1) * 24;
        let Ok(midnight) = self.last.to_zoned(TimeZone::UTC).start_of_day() else { return };
        let days =
            (0..=span).map_while(|n| midnight.timestamp().checked_sub(SignedDuration::from_hours(n * step)).ok());
        for day in days.take_while(|day| *day >= self.first) {
            let x = self.x(day);
            let _infallible = write!(svg, "<path class=\"grid\" d=\"M{x:.1} {BOTTOM}v6\"/>");
            if (LEFT - 12.0 + HALF_A_NAME..=RIGHT - HALF_A_NAME + 12.0).contains(&x) {
                let text = day.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d");
                let _infallible =
                    write!(svg, "<text class=\"axis middle\" x=\"{x:.1}\" y=\"{:.1}\">{text}</text>", BOTTOM + 22.0);
            }
        }
    }
}

/// A count with its thousands apart; limits of counts may be no whole numbers.
pub(super) fn counted(value: f64) -> String {
    let size = value.abs();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cut to its whole part on purpose; no sign"
    )]
    let whole = thousands(size as u64);
    let sign = if value < 0.0 { "-" } else { "" };
    // A tenth at most: it may round up to the next whole number.
    match format!("{:.1}", size.fract()).strip_prefix("0.") {
        Some("0") => format!("{sign}{whole}"),
        Some(tenth) => format!("{sign}{whole}.{tenth}"),
        None => counted(value.round()),
    }
}

/// A share in percent: no more digits than tell it from none.
pub(super) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let text = match value.abs() {
        0.0 => return "0 %".to_owned(),
        size if size < 0.001 => return "< 0.001 %".to_owned(),
        size if size < 0.1 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    };
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(day: i64, value: Option<f64>, limits: &[f64], passed: bool) -> Point {
        let at = Timestamp::from_second(1_714_000_000 + day * 86_400).unwrap();
        Point { at, value, passed, limits: limits.to_vec(), told: "<told>".into() }
    }

    fn drawn(scale: Scale, points: &[Point]) -> String {
        over_time(&Plot { scale, points })
    }

    #[test]
    fn shapes_tell_what_colours_do() {
        let points =
            [point(0, Some(0.0), &[0.01], true), point(1, Some(0.02), &[0.01], false), point(2, None, &[], false)];
        let svg = drawn(Scale::Share, &points);
        for (what, count) in
            [("<circle", 1), ("f-bad", 1), ("f-warn", 1), ("class=\"limit\"", 1), ("class=\"trace\"", 1)]
        {
            assert_eq!(svg.matches(what).count(), count, "{what}: {svg}");
        }
        assert!(svg.contains("allowed 1 %") && svg.contains("2024-04-2") && svg.contains("&lt;told&gt;"), "{svg}");
        assert_eq!(drawn(Scale::Share, &[]), "");
        assert!(!drawn(Scale::Days, &points[..1]).contains("NaN"), "one point has no length");
    }

    #[test]
    fn days_are_named_where_they_began() {
        let points: Vec<Point> = (0..9).map(|day| point(day, Some(0.0), &[], true)).collect();
        let svg = drawn(Scale::Days, &points);
        // From 2024-04-24 23:06 to 2024-05-02 23:06: the first midnight is too near to the edge.
        for day in ["2024-04-26", "2024-04-27", "2024-05-01", "2024-05-02"] {
            assert!(svg.contains(&format!(">{day}<")), "{day}: {svg}");
        }
        assert_eq!(svg.matches("axis middle").count(), 7, "{svg}");
        let years: Vec<Point> = (0..900).map(|day| point(day, Some(0.0), &[], true)).collect();
        assert!((6..=9).contains(&drawn(Scale::Days, &years).matches("axis middle").count()));
    }

    #[test]
    fn a_limit_that_moved_is_a_step() {
        let svg = drawn(
            Scale::Rows,
            &[point(0, Some(95.0), &[90.0, 110.0], true), point(1, Some(120.0), &[90.0, 130.0], true)],
        );
        assert_eq!(svg.matches("class=\"limit\"").count(), 2);
        assert!(svg.contains("allowed 90") && svg.contains("allowed 130"), "{svg}");
        let heights: Vec<&str> =
            svg.split("class=\"limit\" d=\"").skip(1).map(|path| path.split('"').next().unwrap()).collect();
        assert!(heights.iter().all(|path| path.starts_with("M78 ") && path.ends_with("H884")), "{heights:?}");
    }

    #[test]
    fn axes_are_round_and_hold_everything() {
        let check = |scale, values: &[f64], expect: (f64, f64, f64)| {
            let points: Vec<Point> =
                (0..).zip(values).map(|(day, value)| point(day, Some(*value), &[], true)).collect();
            let axis = Axis::of(&Plot { scale, points: &points });
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
            assert!(near(axis.low, expect.0) && near(axis.high, expect.1) && near(axis.step, expect.2), "{axis:?}");
            for value in values {
                assert!((TOP..=BOTTOM).contains(&axis.y(*value)));
            }
        };
        check(Scale::Days, &[0.0], (0.0, 2.0, 1.0));
        check(Scale::Days, &[3.0, 7.0], (0.0, 8.0, 2.0));
        check(Scale::Share, &[0.0], (0.0, 0.015, 0.005));
        check(Scale::Rows, &[10_000.0, 10_400.0], (9_800.0, 10_600.0, 200.0));
        check(Scale::Rejected, &[1e9], (0.0, 1.5e9, 5e8));
    }

    #[test]
    fn numbers_are_for_people() {
        for (value, text) in
            [(0.0, "0"), (1234.0, "1,234"), (-1_234_567.5, "-1,234,567.5"), (999.0, "999"), (1.96, "2")]
        {
            assert_eq!(counted(value), text);
        }
        let shares = [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.0123, "1.23 %"),
            (0.1, "10 %"),
            (0.000_05, "0.005 %"),
            (1e-9, "< 0.001 %"),
        ];
        for (share, text) in shares {
            assert_eq!(percent(share), text);
        }
    }
}
