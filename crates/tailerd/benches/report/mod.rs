//! What the benches share: a table that grows on standard error and is printed as Markdown at the end.

#![allow(dead_code, unreachable_pub, clippy::print_stdout, clippy::print_stderr, reason = "each bench uses a part")]

use std::time::Duration;

#[derive(Default)]
pub struct Table(Vec<[String; 3]>);

impl Table {
    pub fn row(&mut self, name: &str, value: String, beside: &str) {
        eprintln!("{name}: {value} ({beside})");
        self.0.push([name.to_owned(), value, beside.to_owned()]);
    }

    pub fn print(&self) {
        println!("| measured | value | beside the baseline |\n| --- | ---: | --- |");
        for [name, value, beside] in &self.0 {
            println!("| {name} | {value} | {beside} |");
        }
    }
}

pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    percentile(&times, 50)
}

pub fn rate(per_second: f64) -> String {
    format!("{per_second:.0} /s")
}

/// Megabytes of memory that a process really has.
pub fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1e3
}

pub fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
