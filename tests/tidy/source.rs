//! The project's files, and Rust code without its comments and texts.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold no text of ours.
const SKIPPED: [&str; 3] = ["target", ".git", "vectors"];

/// A file of the project.
#[derive(Debug)]
pub(crate) struct File {
    /// From the top, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    /// Tests may do what other code may not.
    pub(crate) fn is_test(&self) -> bool {
        let parts = || self.path.split('/');
        parts().any(|part| part == "tests") || self.path.ends_with("/tests.rs")
    }

    /// Its code with comments and texts blanked out, up to its own tests.
    pub(crate) fn code_proper(&self) -> String {
        let code = code(&self.text);
        code.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
    }
}

pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file whose name ends in one of these.
pub(crate) fn files(endings: &[&str]) -> Vec<File> {
    let mut found = vec![];
    walk(&top(), &top(), endings, &mut found);
    assert!(!found.is_empty(), "no files that end in {endings:?}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(top: &Path, folder: &Path, endings: &[&str], found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(top, &path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let inside = path.strip_prefix(top).expect("below the top");
            let text = fs::read_to_string(&path).expect("a text");
            found.push(File::new(&inside.to_string_lossy(), &text));
        }
    }
}

/// The code with comments, texts and characters replaced by blanks; lines stay.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => until(bytes, at, b"\n"),
            b'/' if bytes[at..].starts_with(b"/*") => comment(bytes, at),
            b'"' => quoted(bytes, at),
            b'r' | b'b' if !follows_name(bytes, at) => raw(bytes, at),
            b'\'' => character(bytes, at),
            _ => at,
        };
        if end == at {
            out.push(char::from(bytes[at]));
            at += 1;
            continue;
        }
        let blank = |byte: &u8| if *byte == b'\n' { '\n' } else { ' ' };
        out.extend(bytes[at..end].iter().map(blank));
        at = end;
    }
    out
}

fn follows_name(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

/// Where `what` begins, or the end of the file.
fn until(bytes: &[u8], from: usize, what: &[u8]) -> usize {
    let found = bytes[from..].windows(what.len()).position(|window| window == what);
    found.map_or(bytes.len(), |length| from + length)
}

fn comment(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `r"..."`, `r#"..."#`, `b"..."`, `br#"..."#`; `from` when it is none of them.
fn raw(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    at += usize::from(bytes[at] == b'b');
    let is_raw = bytes.get(at) == Some(&b'r');
    at += usize::from(is_raw);
    let hashes = bytes[at..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(at + hashes) != Some(&b'"') || (hashes > 0 && !is_raw) {
        return from;
    }
    if !is_raw {
        return quoted(bytes, at);
    }
    let mut end = vec![b'"'];
    end.extend(vec![b'#'; hashes]);
    until(bytes, at + hashes + 1, &end) + end.len()
}

/// `'x'` and `'\n'`, and not `'a` of a lifetime.
fn character(bytes: &[u8], from: usize) -> usize {
    let body = from + 1;
    if bytes.get(body) == Some(&b'\\') {
        return until(bytes, body + 2, b"'") + 1;
    }
    // A character has one to four bytes.
    let end = (body + 1..=body + 4).find(|at| bytes.get(*at) == Some(&b'\''));
    match end {
        Some(at) if at == body + 1 || !bytes[body].is_ascii() => at + 1,
        Some(_) | None => from,
    }
}

#[test]
fn comments_and_texts_are_no_code() {
    for (text, left) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"a "b \" c" d"#, "a          d"),
        (r##"a r#"b " c"# d"##, "a            d"),
        ("a b\"c\" d", "a      d"),
        ("a 'b' c", "a     c"),
        (r"a '\'' '{' c", "a          c"),
        ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
        ("for r in var\"x\"", "for r in var   "),
    ] {
        assert_eq!(code(text), left, "{text}");
    }
}

#[test]
fn tests_are_told_from_code() {
    for (path, is_test) in [
        ("tests/sim/src/world.rs", true),
        ("src/core/src/group/tests.rs", true),
        ("src/core/src/group/tests/losses.rs", true),
        ("src/core/src/group.rs", false),
        ("nim/tests/process.rs", true),
    ] {
        assert_eq!(File::new(path, "").is_test(), is_test, "{path}");
    }
}
