//! How long files, functions and lines may be.

use crate::{
    none,
    source::{self, File, code},
};

/// Lines of a file: above the first it is listed, above the second refused.
const FILE_LINES: (usize, usize) = (500, 700);
/// Lines of a function, from `fn` to its closing brace, likewise.
const FUNCTION_LINES: (usize, usize) = (70, 100);
/// Characters of a line.
const WIDTH: usize = 100;

/// Something that is long.
#[derive(Debug)]
struct Long {
    /// Where, and what it is.
    what: String,
    lines: usize,
}

fn long_file(file: &File) -> Vec<Long> {
    let lines = file.text.lines().count();
    vec![Long { what: file.path.clone(), lines }]
}

/// Every function with a body, nested ones too.
fn functions(file: &File) -> Vec<Long> {
    let code = code(&file.text);
    let lines: Vec<&str> = code.lines().collect();
    let mut found = vec![];
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        if let Some(length) = body_length(&lines[at..]) {
            found
                .push(Long { what: format!("{}:{}: fn {name}", file.path, at + 1), lines: length });
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let word = before.trim_end().rsplit(' ').next().unwrap_or_default();
    let starts = ["", "pub", "const", "async", "unsafe"].contains(&word) || word.ends_with(')');
    let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    (starts && end > 0 && !before.ends_with(char::is_alphanumeric)).then_some(&after[..end])
}

/// Lines up to the closing brace; none when there is no body.
fn body_length(lines: &[&str]) -> Option<usize> {
    let mut depth = 0usize;
    let mut brackets = 0usize;
    for (at, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets = brackets.saturating_sub(1),
                ';' if depth == 0 && brackets == 0 => return None,
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
    }
    None
}

fn wide_lines(file: &File) -> Vec<String> {
    let wide = file.text.lines().enumerate().filter(|(_, line)| line.chars().count() > WIDTH);
    wide.map(|(at, _)| format!("{}:{}: wider than {WIDTH}", file.path, at + 1)).collect()
}

/// Lists those above the first limit, refuses those above the second.
#[expect(clippy::print_stdout, reason = "the list is for whoever runs it with --no-capture")]
#[track_caller]
fn hold(long: impl Iterator<Item = Long>, (listed, refused): (usize, usize)) {
    let long: Vec<Long> = long.filter(|it| it.lines > listed).collect();
    for Long { what, lines } in &long {
        println!("{what}: {lines} lines, better at most {listed}");
    }
    let show = |it: &Long| format!("{}: {} lines, at most {refused}", it.what, it.lines);
    none(&long.iter().filter(|it| it.lines > refused).map(show).collect::<Vec<_>>());
}

#[test]
fn files_are_not_too_long() {
    hold(source::files(&[".rs"]).iter().flat_map(long_file), FILE_LINES);
}

#[test]
fn functions_are_not_too_long() {
    hold(source::files(&[".rs"]).iter().flat_map(functions), FUNCTION_LINES);
}

#[test]
fn lines_are_not_too_wide() {
    let files = source::files(&[".rs", ".proto", "events.toml"]);
    none(&files.iter().flat_map(wide_lines).collect::<Vec<_>>());
}

#[test]
#[should_panic(expected = "sample.rs: 701 lines, at most 700")]
fn file_that_is_too_long_is_noticed() {
    hold(long_file(&File::new("sample.rs", &"\n".repeat(701))).into_iter(), FILE_LINES);
}

#[test]
fn lengths_of_functions_are_counted() {
    let text = "\
impl A {
    pub(crate) fn one(&self) -> [u8; 2] {
        // } is no end
        let x = \"}\"; { }
    }
    fn none(&self);
    const fn two() {}
    /// fn three() {}
    fn four(of: fn(u8) -> u8) where
        A: B,
    {
    }
}
";
    let found: Vec<(String, usize)> = functions(&File::new("a.rs", text))
        .into_iter()
        .map(|it| (it.what.rsplit(' ').next().unwrap_or_default().to_owned(), it.lines))
        .collect();
    let wanted = [("one", 4), ("two", 1), ("four", 4)];
    assert_eq!(found, wanted.map(|(name, lines)| (name.to_owned(), lines)));
}

#[test]
#[should_panic(expected = "fn long: 101 lines, at most 100")]
fn function_that_is_too_long_is_noticed() {
    let text = format!("fn long() {{{}}}", "\n".repeat(100));
    hold(functions(&File::new("a.rs", &text)).into_iter(), FUNCTION_LINES);
}

#[test]
fn line_that_is_too_wide_is_noticed() {
    let line = |width: usize| wide_lines(&File::new("a.rs", &"ä".repeat(width))).len();
    assert_eq!((line(100), line(101)), (0, 1));
}
