use std::path::Path;

use super::*;

fn said(text: &str, take: impl FnOnce(&Section<'_, '_>)) -> String {
    let parsed = parse(Path::new("a.toml"), text, false, take);
    parsed.map_or_else(|Refused(message)| message, |accepted| accepted.warnings)
}

#[test]
fn every_key_that_is_wrong_or_unknown_is_named_with_its_line() {
    let message = said("b = 0\n[a]\nx = \"1\"\ny = 2\nz = 3\n", |root| {
        let section = root.table("a").unwrap();
        assert_eq!(section.integer("x", 0, 9), None);
        assert_eq!(section.integer("y", 0, 9).map(|at| at.value), Some(2));
        section.finish();
    });
    let titles: Vec<&str> = message.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(
        titles,
        [
            "error: unknown key `b` (with the value `0`): expected `a`",
            "error: `a.x` is `\"1\"`: expected a whole number from 0 to 9",
            "error: unknown key `a.z` (with the value `3`): expected `x`",
        ]
    );
    assert!(message.contains("a.toml:3:5") && message.contains("a.toml:5:1"), "{message}");
}

#[test]
fn a_warning_refuses_nothing_and_the_keys_that_are_there_are_told() {
    let accepted = parse(Path::new("a.toml"), "x = 1\n", false, |root| {
        let at = root.integer("x", 0, 9).unwrap();
        root.source().warning(at.wrong(root.source(), "rather 2"));
        at.value
    })
    .unwrap();
    assert_eq!(accepted.value, 1);
    assert!(accepted.warnings.starts_with("warning: `x` is `1`: rather 2"));
    assert_eq!(accepted.given, BTreeSet::from(["x".to_owned()]));
}

#[test]
fn what_may_be_a_password_is_not_shown() {
    let text = "a = 1\nheaders = { A = [\"pass\"], B = \"word\" }\n";
    let message = said(text, |root| {
        assert_eq!(root.integer("a", 0, 9).map(|at| at.value), Some(1));
        let texts = root.secrets("headers");
        assert_eq!(texts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["B"]);
    });
    assert!(message.contains("`headers.A`") && message.contains("a.toml:2"), "{message}");
    assert!(!message.contains("pass") && !message.contains("word"), "{message}");
}

#[test]
fn what_is_no_toml_is_said_with_its_line() {
    assert!(said("x = y\n", |_| ()).contains("not TOML"), "{}", said("x = y\n", |_| ()));
}
