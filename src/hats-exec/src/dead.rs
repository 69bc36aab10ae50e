//! Dead letters: events that could not be delivered, one line of JSON each.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use hats_client::ipc::Event;
use serde::Serialize;

/// A file that has grown to this is put aside as `.1`, and the one that was
/// there before goes: twice this is what an action may fill.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// The dead letters of one action.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    action: String,
    path: PathBuf,
}

#[derive(Serialize)]
struct Letter<'a> {
    at: String,
    action: &'a str,
    attempts: u32,
    why: &'a str,
    event: &'a Event,
}

impl DeadLetters {
    /// `NAME.dead.jsonl` in the directory.
    pub(crate) fn of(action: &str, directory: &Path) -> Self {
        DeadLetters {
            action: action.to_owned(),
            path: directory.join(format!("{action}.dead.jsonl")),
        }
    }

    /// Keeps an event that was not delivered, and says so.
    pub(crate) fn bury(&self, event: &Event, attempts: u32, why: &str) {
        let action = &self.action;
        let at = format!("{:.3}", jiff::Timestamp::now());
        let letter = Letter { at, action, attempts, why, event };
        // Texts and numbers under fixed names always serialise.
        let line = serde_json::to_string(&letter).unwrap_or_default() + "\n";
        if let Err(error) = self.append(&line) {
            tracing::error!("{}: {error}; the letter was: {line}", self.path.display());
        }
        tracing::error!(
            "{action}: {} {} not delivered after {attempts} attempts: {why}",
            event.code,
            event.msg
        );
    }

    /// Puts the files there are where nothing is added to them, and gives them,
    /// the oldest letters first. Those that an earlier call has put aside come
    /// first; what is there besides waits for the next.
    pub(crate) fn put_aside(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (from, to) in [("jsonl.1", "again.1"), ("jsonl", "again")] {
            let (from, to) = (self.path.with_extension(from), self.path.with_extension(to));
            if !fs::exists(&to)? {
                match fs::rename(&from, &to) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
            }
            files.push(to);
        }
        Ok(files)
    }

    /// Adds a line, with its end.
    pub(crate) fn append(&self, line: &str) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|it| it.len() >= FILE_BYTES_MAX) {
            fs::rename(&self.path, self.path.with_extension("jsonl.1"))?;
        }
        let mut file: File = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_when_why_and_what() {
        let directory = tempfile::tempdir().unwrap();
        let letters = DeadLetters::of("page", directory.path());
        let event = Event { code: "HATS-2103".into(), ..Event::default() };
        letters.bury(&event, 4, "exit status: 1");
        letters.bury(&event, 1, "the queue was full");
        let text = fs::read_to_string(directory.path().join("page.dead.jsonl")).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["action"], "page");
        assert_eq!(
            (&lines[0]["attempts"], &lines[0]["why"]),
            (&4.into(), &"exit status: 1".into())
        );
        assert_eq!(lines[0]["event"]["code"], "HATS-2103");
    }

    #[test]
    fn the_file_is_put_aside_when_it_is_full_and_not_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("page.dead.jsonl");
        let letters = DeadLetters::of("page", directory.path());
        let aside = directory.path().join("page.dead.jsonl.1");
        for (length, is_put_aside) in [(FILE_BYTES_MAX - 1, false), (FILE_BYTES_MAX, true)] {
            File::create(&path).unwrap().set_len(length).unwrap();
            letters.bury(&Event::default(), 1, "no");
            assert_eq!(aside.exists(), is_put_aside, "{length}");
        }
    }
}
