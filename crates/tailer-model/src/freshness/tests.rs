//! Histories as people would tell them, and what has to be said of them.

use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::*;
use crate::schedule::{Cron, parse_start_date};

fn at(text: &str) -> Timestamp {
    let text = if text.len() == 10 { format!("{text}T00:00") } else { text.replace(' ', "T") };
    format!("{text}:00Z").parse().unwrap()
}

fn arrivals<'a>(starts: impl IntoIterator<Item = &'a str>) -> Arrivals {
    let mut arrivals = Arrivals::default();
    starts.into_iter().for_each(|start| arrivals.note(at(start)));
    arrivals
}

/// Arrivals on each day from `first` to `last` that `keep` keeps, at a time of day.
fn daily(first: &str, last: &str, time: &str, keep: impl Fn(Date) -> bool) -> Arrivals {
    let (first, last): (Date, Date) = (first.parse().unwrap(), last.parse().unwrap());
    let mut arrivals = Arrivals::default();
    for day in first.series(1.day()).take_while(|day| *day <= last).filter(|day| keep(*day)) {
        arrivals.note(at(&format!("{day} {time}")));
    }
    arrivals
}

fn cron(interval: &str) -> Schedule {
    Schedule {
        start_date: Some(parse_start_date("2020, 1, 1").unwrap()),
        interval: Cron::parse(interval).unwrap(),
        catchup: false,
    }
}

/// `Daily, Awaited, Late, expected 2024-05-04 06:00 ± 1`
fn told(freshness: &Freshness) -> String {
    let mut words: Vec<String> = freshness.frequency.iter().map(ToString::to_string).collect();
    words.push(freshness.status.to_string());
    words.extend(freshness.timing.iter().map(ToString::to_string));
    if let (Some(expected), Some(hours)) = (freshness.expected, freshness.confidence_hours()) {
        words.push(format!("expected {} ± {hours}", expected.strftime("%Y-%m-%d %H:%M")));
    }
    words.join(", ")
}

#[track_caller]
fn check(arrivals: &Arrivals, now: &str, expect: &str) {
    assert_eq!(told(&Outlook::of(arrivals, None, None).at(at(now))), expect, "at {now}");
}

#[track_caller]
fn check_cron(interval: &str, arrivals: &Arrivals, now: &str, expect: &str) {
    let schedule = cron(interval);
    assert_eq!(told(&Outlook::of(arrivals, Some(&schedule), None).at(at(now))), expect, "{interval} at {now}");
}

fn weekday(day: Date) -> bool {
    day.weekday().to_monday_zero_offset() < 5
}

#[test]
fn two_runs_are_needed() {
    check(&arrivals([]), "2024-05-06 12:00", "Learning");
    check(&arrivals(["2024-05-06 06:00"]), "2024-05-06 12:00", "Learning");
    check_cron("0 6 * * *", &arrivals(["2024-05-06 06:00"]), "2024-05-08 12:00", "Learning");
    // Two files of one delivery are no rhythm yet.
    check(&arrivals(["2024-05-06 06:00", "2024-05-06 06:01"]), "2024-05-06 12:00", "Learning");
    let two = arrivals(["2024-05-06 06:00", "2024-05-07 06:00"]);
    check(&two, "2024-05-07 12:00", "Daily, Executed, On time, expected 2024-05-08 06:00 ± 3");
}

#[test]
fn a_day_goes_by() {
    let every_day = daily("2024-04-01", "2024-05-05", "06:00", |_| true);
    check(&every_day, "2024-05-05 23:59", "Daily, Executed, On time, expected 2024-05-06 06:00 ± 1");
    check(&every_day, "2024-05-06 00:00", "Daily, Awaited, On time, expected 2024-05-06 06:00 ± 1");
    check(&every_day, "2024-05-06 07:00", "Daily, Awaited, On time, expected 2024-05-06 06:00 ± 1");
    check(&every_day, "2024-05-06 07:01", "Daily, Awaited, Late, expected 2024-05-06 06:00 ± 1");
    check(&every_day, "2024-05-07 05:59", "Daily, Awaited, Late, expected 2024-05-06 06:00 ± 1");
    check(&every_day, "2024-05-07 06:00", "Daily, Awaited, Very late, expected 2024-05-06 06:00 ± 1");
}

#[test]
fn a_feed_that_rests_at_weekends_is_not_late_on_saturday() {
    let feed = daily("2024-04-15", "2024-05-03", "06:00", weekday);
    check(&feed, "2024-05-04 12:00", "Daily, Not today, On time, expected 2024-05-06 06:00 ± 1");
    check(&feed, "2024-05-06 07:30", "Daily, Awaited, Late, expected 2024-05-06 06:00 ± 1");
    // One weekend has told it already.
    let young = daily("2024-04-25", "2024-05-03", "06:00", weekday);
    check(&young, "2024-05-04 12:00", "Daily, Not today, On time, expected 2024-05-06 06:00 ± 1");
    // A holiday on a Wednesday makes no rule.
    let holiday = daily("2024-04-15", "2024-05-07", "06:00", |day| weekday(day) && day.to_string() != "2024-05-01");
    check(&holiday, "2024-05-08 05:00", "Daily, Awaited, On time, expected 2024-05-08 06:00 ± 1");
    // Nor is a run on a Sunday one.
    let sunday = daily("2024-04-15", "2024-05-03", "06:00", |day| weekday(day) || day.to_string() == "2024-04-28");
    check(&sunday, "2024-05-04 12:00", "Daily, Not today, On time, expected 2024-05-06 06:00 ± 1");
}

#[test]
fn a_feed_that_begins_to_rest_at_weekends_is_believed_after_some() {
    let changed = |last| daily("2024-03-25", last, "06:00", |day| day < "2024-04-15".parse().unwrap() || weekday(day));
    check(&changed("2024-04-19"), "2024-04-20 12:00", "Daily, Awaited, Late, expected 2024-04-20 06:00 ± 1");
    check(&changed("2024-05-10"), "2024-05-11 12:00", "Daily, Not today, On time, expected 2024-05-13 06:00 ± 1");
}

#[test]
fn days_end_at_midnight_but_feeds_may_come_around_it() {
    // Monday to Friday at midnight, sometimes some minutes before.
    let around = arrivals([
        "2024-04-21 23:55",
        "2024-04-23 00:05",
        "2024-04-23 23:58",
        "2024-04-25 00:00",
        "2024-04-25 23:52",
        "2024-04-29 00:04",
        "2024-04-29 23:56",
        "2024-05-01 00:02",
        "2024-05-01 23:57",
        "2024-05-03 00:03",
    ]);
    check(&around, "2024-05-04 12:00", "Daily, Not today, On time, expected 2024-05-05 23:58 ± 1");
    check(&around, "2024-05-06 00:30", "Daily, Awaited, On time, expected 2024-05-05 23:58 ± 1");
}

#[test]
fn several_times_a_day_is_daily() {
    let minutes = |count: i64, step: i64| {
        let mut arrivals = Arrivals::default();
        (0..count).for_each(|n| arrivals.note(at("2024-05-01 00:00") + (n * step).minutes()));
        arrivals
    };
    // Two days of every five minutes, then nothing.
    check(&minutes(577, 5), "2024-05-03 00:04", "Daily, Executed, On time, expected 2024-05-03 00:05 ± 0.3");
    check(&minutes(577, 5), "2024-05-03 00:30", "Daily, Executed, Very late, expected 2024-05-03 00:05 ± 0.3");
    check(&minutes(5, 5), "2024-05-01 01:00", "Learning");
    // Hourly.
    check(&minutes(49, 60), "2024-05-03 00:30", "Daily, Executed, On time, expected 2024-05-03 01:00 ± 0.3");
    check(&minutes(49, 60), "2024-05-03 01:30", "Daily, Executed, Late, expected 2024-05-03 01:00 ± 0.3");
    check(&minutes(49, 60), "2024-05-04 00:30", "Daily, Awaited, Very late, expected 2024-05-03 01:00 ± 0.3");
    // Every six hours.
    check(&minutes(9, 360), "2024-05-03 01:00", "Daily, Executed, On time, expected 2024-05-03 06:00 ± 0.3");
    check(&minutes(9, 360), "2024-05-03 06:30", "Daily, Executed, Late, expected 2024-05-03 06:00 ± 0.3");
    // Fifty files every morning are one arrival.
    let mut burst = Arrivals::default();
    for day in 0..20 {
        (0..50).for_each(|n| burst.note(at("2024-05-01 06:00") + (day * 24 * 60 + n).minutes()));
    }
    check(&burst, "2024-05-20 12:00", "Daily, Executed, On time, expected 2024-05-21 06:00 ± 1");
}

#[test]
fn weeks() {
    let mondays = daily("2024-03-01", "2024-05-05", "06:00", |day| day.weekday().to_monday_zero_offset() == 0);
    check(&mondays, "2024-05-05 12:00", "Weekly, Not today, On time, expected 2024-05-06 06:00 ± 7");
    check(&mondays, "2024-05-06 12:00", "Weekly, Awaited, On time, expected 2024-05-06 06:00 ± 7");
    check(&mondays, "2024-05-06 14:00", "Weekly, Awaited, Late, expected 2024-05-06 06:00 ± 7");
    check(&mondays, "2024-05-13 06:00", "Weekly, Awaited, Very late, expected 2024-05-06 06:00 ± 7");
    let twice =
        daily("2024-03-04", "2024-05-03", "06:00", |day| [0, 3].contains(&day.weekday().to_monday_zero_offset()));
    check(&twice, "2024-05-05 12:00", "Weekly, Not today, On time, expected 2024-05-06 06:00 ± 3");
    let fortnight = arrivals(["2024-03-04 06:00", "2024-03-18 06:00", "2024-04-01 06:00", "2024-04-15 06:00"]);
    check(&fortnight, "2024-04-22 12:00", "Weekly, Not today, On time, expected 2024-04-29 06:00 ± 42");
}

#[test]
fn months_have_ends_and_februaries() {
    let first = arrivals(["2023-11-01 04:00", "2023-12-01 04:00", "2024-01-01 04:00", "2024-02-01 04:00"]);
    check(&first, "2024-02-29 12:00", "Monthly, Not today, On time, expected 2024-03-01 04:00 ± 93");
    let last = arrivals(["2023-11-30 22:00", "2023-12-31 22:00", "2024-01-31 22:00"]);
    check(&last, "2024-02-28 12:00", "Monthly, Not today, On time, expected 2024-02-29 22:00 ± 93");
    check(&last, "2024-02-29 12:00", "Monthly, Awaited, On time, expected 2024-02-29 22:00 ± 93");
    check(&last, "2024-03-31 22:00", "Monthly, Awaited, Very late, expected 2024-02-29 22:00 ± 93");
    let thirtieth = arrivals(["2023-10-30 22:00", "2023-11-30 22:00", "2023-12-30 22:00", "2024-01-30 22:00"]);
    check(&thirtieth, "2024-02-01 12:00", "Monthly, Not today, On time, expected 2024-02-29 22:00 ± 90");
    // The turn of the month, some hours before or after.
    let turn = arrivals(["2024-01-31 22:00", "2024-03-01 02:00", "2024-03-31 23:00", "2024-05-01 01:00"]);
    check(&turn, "2024-05-02 12:00", "Monthly, Not today, On time, expected 2024-06-01 00:00 ± 90");
    let quarters = arrivals(["2023-04-03 06:00", "2023-07-03 06:00", "2023-10-03 06:00", "2024-01-03 06:00"]);
    check(&quarters, "2024-02-01 12:00", "Monthly, Not today, On time, expected 2024-04-03 06:00 ± 273");
    // A month was left out.
    let gap = arrivals(["2023-10-05 06:00", "2023-11-05 06:00", "2023-12-05 06:00", "2024-02-05 06:00"]);
    check(&gap, "2024-02-06 12:00", "Monthly, Not today, On time, expected 2024-03-05 06:00 ± 93");
}

#[test]
fn years_have_leap_days() {
    let yearly = arrivals(["2021-02-28 06:00", "2022-02-28 06:00", "2023-02-28 06:00"]);
    check(&yearly, "2024-02-01 12:00", "Yearly, Not today, On time, expected 2024-02-28 06:00 ± 1098");
    let leap = arrivals(["2023-02-28 06:00", "2024-02-29 06:00"]);
    check(&leap, "2024-06-01 12:00", "Yearly, Not today, On time, expected 2025-02-28 06:00 ± 1095");
    check(&leap, "2026-05-01 12:00", "Yearly, Awaited, Very late, expected 2025-02-28 06:00 ± 1095");
}

#[test]
fn what_has_no_rhythm_is_not_followed() {
    let irregular = arrivals([
        "2024-01-01 06:00",
        "2024-01-02 17:00",
        "2024-01-20 03:00",
        "2024-01-21 11:00",
        "2024-03-15 06:00",
        "2024-03-16 20:00",
    ]);
    check(&irregular, "2024-03-16 22:00", "Unfollow, Executed");
    check(&irregular, "2024-05-01 12:00", "Unfollow, Not today");
}

#[test]
fn a_schedule_is_believed() {
    let two = arrivals(["2024-05-02 06:00", "2024-05-03 06:00"]);
    check_cron("0 6 * * *", &two, "2024-05-04 06:10", "Daily, Awaited, On time, expected 2024-05-04 06:00 ± 0.3");
    check_cron("0 6 * * *", &two, "2024-05-04 06:16", "Daily, Awaited, Late, expected 2024-05-04 06:00 ± 0.3");
    check_cron("0 6 * * *", &two, "2024-05-05 06:00", "Daily, Awaited, Very late, expected 2024-05-04 06:00 ± 0.3");
    // A Saturday.
    check_cron("0 6 * * 1-5", &two, "2024-05-04 12:00", "Daily, Not today, On time, expected 2024-05-06 06:00 ± 0.3");
    check_cron("*/10 * * * *", &two, "2024-05-03 06:05", "Daily, Executed, On time, expected 2024-05-03 06:10 ± 0.3");
    check_cron("0 6 * * 4", &two, "2024-05-04 12:00", "Weekly, Not today, On time, expected 2024-05-09 06:00 ± 24");
    check_cron("0 6 1 * *", &two, "2024-05-04 12:00", "Monthly, Not today, On time, expected 2024-06-01 06:00 ± 48");
    check_cron("0 0 29 2 *", &two, "2024-05-04 12:00", "Yearly, Not today, On time, expected 2028-02-29 00:00 ± 1542");
    // Each began twenty minutes late.
    let delayed = arrivals(["2024-05-02 06:20", "2024-05-03 06:20"]);
    check_cron("0 6 * * *", &delayed, "2024-05-04 06:10", "Daily, Awaited, On time, expected 2024-05-04 06:00 ± 0.3");
}

#[test]
fn nothing_was_expected_while_it_was_disabled() {
    let feed = daily("2024-04-01", "2024-05-05", "06:00", |_| true);
    let since = Some(at("2024-05-20 12:00"));
    let schedule = cron("0 6 * * *");
    for schedule in [None, Some(&schedule)] {
        let judged = Outlook::of(&feed, schedule, since).at(at("2024-05-20 13:00"));
        assert_eq!(judged.timing, Some(Timing::OnTime));
        assert_eq!(judged.expected, Some(at("2024-05-21 06:00")));
    }
}

#[test]
fn names_read_back() {
    for name in Timing::ALL {
        assert_eq!(name.as_str().parse(), Ok(*name));
    }
    for name in Today::ALL {
        assert_eq!(name.as_str().parse(), Ok(*name));
    }
    for name in Frequency::ALL {
        assert_eq!(name.as_str().parse(), Ok(*name));
    }
    assert!("late".parse::<Timing>().unwrap_err().contains("Very late"));
}

fn of_seconds(starts: &[i64]) -> Arrivals {
    let mut arrivals = Arrivals::default();
    starts.iter().for_each(|start| arrivals.note(Timestamp::from_second(*start).unwrap()));
    arrivals
}

proptest! {
    #[test]
    fn any_history_gets_an_answer_that_worsens_with_time(
        gaps in prop::collection::vec(prop_oneof![0_i64..100, 0_i64..100_000, 0_i64..40_000_000], 0..60),
        waits in prop::collection::vec(0_i64..4_000_000, 1..20),
    ) {
        let mut now = 1_500_000_000;
        let starts: Vec<i64> = gaps.iter().map(|gap| { now += gap; now }).collect();
        let arrivals = of_seconds(&starts);
        let mut worst = None;
        for wait in waits {
            now += wait;
            let judged = Outlook::of(&arrivals, None, None).at(Timestamp::from_second(now).unwrap());
            prop_assert_eq!(judged.expected.is_some(), judged.timing.is_some());
            prop_assert!(judged.timing >= worst, "{:?} after {:?}", judged.timing, worst);
            worst = judged.timing;
            if let Some(expected) = judged.expected {
                prop_assert!(judged.confidence.is_some_and(|confidence| confidence >= 0));
                prop_assert!(judged.status != Today::Learning);
                prop_assert!(judged.timing == Some(Timing::OnTime) || expected.as_second() < now);
            }
        }
    }

    #[test]
    fn a_steady_feed_is_never_late_when_it_comes_and_always_when_it_does_not(
        interval in prop_oneof![300_i64..10_000, Just(86_400), Just(7 * 86_400), Just(2 * 86_400)],
        begin in 1_600_000_000_i64..1_700_000_000,
        jitter in prop::collection::vec(-60_i64..60, 30..40),
    ) {
        // Enough of them for a feed that never rests to be known as one.
        let count = (2 * 86_400 / interval).max(30);
        let jitter = |n: i64| jitter.get(usize::try_from(n).unwrap() % jitter.len()).copied().unwrap();
        let starts: Vec<i64> = (0..count).map(|n| begin + n * interval + jitter(n)).collect();
        let arrivals = of_seconds(&starts);
        let judge = |now: i64| Outlook::of(&arrivals, None, None).at(Timestamp::from_second(now).unwrap());
        let due = begin + count * interval;
        prop_assert_eq!(judge(due - 60).timing, Some(Timing::OnTime));
        let expected = judge(due).expected.unwrap().as_second();
        prop_assert!((expected - due).abs() <= 180, "{} for {}", expected, due);
        prop_assert_eq!(judge(due + interval / 2 + 3600).timing.is_some_and(|timing| timing > Timing::OnTime), true);
        prop_assert_eq!(judge(due + 3 * interval + 3600).timing, Some(Timing::VeryLate));
    }
}
