//! Which crate may use which: DESIGN's layout, from the manifests.

use std::collections::BTreeMap;

use toml::Table;

use crate::{
    none,
    source::{self, File, code},
};

/// Our crates and what each may use of ours. Nothing uses what is in tests/.
const LAYOUT: [(&str, &[&str]); 14] = [
    ("hats-proto", &[]),
    ("hats-wire", &["hats-proto"]),
    ("hats-core", &["hats-wire"]),
    ("hats-sys", &[]),
    ("hats-client", &["hats-proto"]),
    ("hats-catalogue", &[]),
    ("hats-metrics", &["hats-proto"]),
    ("hats-config", &[]),
    ("hats-status", &["hats-client", "hats-catalogue", "hats-metrics"]),
    ("hats-exec", &["hats-client", "hats-catalogue", "hats-config"]),
    ("hatsd", &["hats-core", "hats-wire", "hats-proto", "hats-sys", "hats-metrics", "hats-config"]),
    ("hats-nim", &["hats-core", "hats-wire", "hats-proto", "hats-sys"]),
    ("hats-sim", &["hats-core", "hats-wire"]),
    ("hats-lab", &["hats-sys", "hats-client"]),
];

/// This crate, whose tests cross the others.
const CROSSING: &str = "hats-tests";

/// Crates without clock, socket, thread or log, and what they may use of others.
const PURE: [(&str, &[&str]); 3] =
    [("hats-proto", &["prost", "serde"]), ("hats-wire", &["prost"]), ("hats-core", &[])];

/// The one crate that may be unsafe.
const SYSTEM_CALLS: &str = "src/sys/";

/// The tables of a manifest that name what a crate uses.
fn used<'a>(manifest: &'a Table, kinds: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let targets = targets.into_iter().flat_map(Table::values).filter_map(|it| it.as_table());
    [manifest]
        .into_iter()
        .chain(targets)
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flat_map(|table| table.keys().map(String::as_str))
}

/// What a manifest uses and must not.
fn wrong_uses(file: &File) -> Vec<String> {
    let manifest: Table =
        file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path));
    let Some(package) = manifest.get("package").and_then(|package| package.as_table()) else {
        return vec![];
    };
    let name = package.get("name").and_then(|name| name.as_str()).unwrap_or_default();
    if name == CROSSING {
        return vec![];
    }
    let layout = BTreeMap::from(LAYOUT);
    let Some(allowed) = layout.get(name) else {
        return vec![format!("{}: crate {name} has no row in tests/tidy/crates.rs", file.path)];
    };
    let ours = |other: &str| other == CROSSING || layout.contains_key(other);
    let all = ["dependencies", "build-dependencies", "dev-dependencies"];
    let mut problems: Vec<String> = used(&manifest, &all)
        .filter(|other| ours(other) && !allowed.contains(other))
        .map(|other| format!("{}: {name} must not use {other}", file.path))
        .collect();
    if let Some((_, few)) = PURE.iter().find(|(pure, _)| *pure == name) {
        problems.extend(
            used(&manifest, &["dependencies"])
                .filter(|other| !ours(other) && !few.contains(other))
                .map(|other| format!("{}: {name} is pure and must not use {other}", file.path)),
        );
    }
    problems
}

/// What the root file of a crate lacks.
fn lacking(file: &File) -> Vec<String> {
    let mut problems = vec![];
    let pure = ["proto/src/", "src/wire/src/", "src/core/src/"];
    let mut need = |attribute: &str| {
        if !file.text.lines().any(|line| line == attribute) {
            problems.push(format!("{}: lacks {attribute}", file.path));
        }
    };
    if !file.path.starts_with(SYSTEM_CALLS) {
        need("#![forbid(unsafe_code)]");
    }
    if pure.iter().any(|folder| file.path.starts_with(folder)) {
        need("#![no_std]");
    }
    problems
}

fn is_root(file: &File) -> bool {
    file.path == "tests/lib.rs"
        || file.path.ends_with("/src/lib.rs")
        || file.path.ends_with("/src/main.rs")
}

/// Lines that are unsafe where they must not be.
fn unsafe_lines(file: &File) -> Vec<String> {
    if file.path.starts_with(SYSTEM_CALLS) {
        return vec![];
    }
    let code = code(&file.text);
    let mut problems = vec![];
    for (at, line) in code.lines().enumerate() {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        if words.any(|word| word == "unsafe") {
            problems.push(format!("{}:{}: unsafe belongs into {SYSTEM_CALLS}", file.path, at + 1));
        }
    }
    problems
}

#[test]
fn crates_use_what_the_layout_allows() {
    let manifests = source::files(&["Cargo.toml"]);
    none(&manifests.iter().flat_map(wrong_uses).collect::<Vec<_>>());
}

#[test]
fn use_against_the_layout_is_noticed() {
    let manifest = |name: &str, uses: &str| {
        let text = format!("[package]\nname = \"{name}\"\n{uses}");
        wrong_uses(&File::new("x/Cargo.toml", &text)).len()
    };
    assert_eq!(manifest("hats-core", "[dependencies]\nhats-wire = \"1\""), 0);
    assert_eq!(manifest("hats-core", "[dependencies]\nhats-sys.workspace = true"), 1);
    assert_eq!(manifest("hats-core", "[dependencies]\nlibc = \"1\""), 1);
    assert_eq!(manifest("hats-core", "[target.'cfg(unix)'.dependencies]\nlibc = \"1\""), 1);
    assert_eq!(manifest("hatsd", "[dependencies]\nhats-client = \"1\""), 1);
    assert_eq!(manifest("hatsd", "[dev-dependencies]\nhats-sim = \"1\""), 1);
    assert_eq!(manifest("hats-sim", "[build-dependencies]\nhatsd = \"1\""), 1);
    assert_eq!(manifest("hats-new", ""), 1, "a crate without a row");
}

#[test]
fn roots_forbid_what_their_crate_must_not() {
    let files = source::files(&[".rs"]);
    let roots: Vec<&File> = files.iter().filter(|file| is_root(file)).collect();
    assert!(roots.len() > 8, "{} roots", roots.len());
    none(&roots.into_iter().flat_map(lacking).collect::<Vec<_>>());
}

#[test]
fn root_that_forbids_nothing_is_noticed() {
    let root = |path: &str, text: &str| lacking(&File::new(path, text)).len();
    assert_eq!(root("src/core/src/lib.rs", "#![no_std]\n#![forbid(unsafe_code)]\n"), 0);
    assert_eq!(root("src/core/src/lib.rs", "#![forbid(unsafe_code)]\n"), 1);
    assert_eq!(root("src/hatsd/src/main.rs", "// #![forbid(unsafe_code)]\n"), 1);
    assert_eq!(root("src/sys/src/lib.rs", ""), 0);
}

#[test]
fn only_one_crate_is_unsafe() {
    none(&source::files(&[".rs"]).iter().flat_map(unsafe_lines).collect::<Vec<_>>());
}

#[test]
fn unsafe_code_elsewhere_is_noticed() {
    let lines = |path: &str, text: &str| unsafe_lines(&File::new(path, text)).len();
    assert_eq!(lines("nim/src/main.rs", "let x = unsafe { y };"), 1);
    assert_eq!(lines("nim/src/main.rs", "#![forbid(unsafe_code)] // unsafe"), 0);
    assert_eq!(lines("src/sys/src/lib.rs", "unsafe { y }"), 0);
}
