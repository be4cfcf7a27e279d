//! Every command's `--help`, kept as it is. A change of the command line shows here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::tailerd;

const COMMANDS: &[&str] = &[
    "",
    "demo",
    "serve",
    "deploy",
    "check",
    "doctor",
    "launch",
    "backfill",
    "run",
    "status",
    "runs",
    "logs",
    "expectations",
    "cancel",
    "workflow",
    "workflow status",
    "workflow reset",
    "enable",
    "disable",
    "archive",
    "sql",
    "keys",
    "keys generate",
    "encrypt",
    "token",
    "token create",
    "token list",
    "token revoke",
    "service-account",
    "service-account add",
    "service-account list",
    "service-account remove",
    "user",
    "user add",
    "user grant",
    "user list",
    "user remove",
    "user set-password",
    "audit",
    "completions",
];

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in COMMANDS {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let help = tailerd(&args).good();
        assert_eq!(help.stderr, "", "{command}");
        assert!(help.stdout.contains("Examples:\n  tailerd "), "{command} has no example:\n{}", help.stdout);
        let name = if command.is_empty() { "tailerd".to_owned() } else { command.replace(' ', "-") };
        insta::assert_snapshot!(name, help.stdout);
    }
}

#[test]
fn no_command_is_missing_from_this_list() {
    let help = tailerd(&["--help"]).good().stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Continued descriptions are indented further than names.
    let names = listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    for command in names.filter(|name| *name != "help") {
        assert!(COMMANDS.contains(&command), "{command}");
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = tailerd(&["completions", shell]).good().stdout;
        assert!(script.contains("service-account"), "{shell}");
    }
}
