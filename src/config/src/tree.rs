//! Reading a TOML tree key by key, so that every problem of a file is found
//! in one go and each names its key, its value and what was expected.

use std::{
    cell::RefCell, collections::BTreeSet, fmt::Display, net::IpAddr, ops::Range, str::FromStr,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{duration, problem::Problem};

/// The longest value repeated in a message.
const VALUE_SHOWN_MAX: usize = 60;

/// The file and what was found wrong with it so far.
#[derive(Debug)]
pub struct Source<'t> {
    text: &'t str,
    errors: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    /// The keys that are there, as "detection.sensitivity".
    given: RefCell<BTreeSet<String>>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let (errors, warnings, given) = Default::default();
        Source { text, errors, warnings, given }
    }

    /// The keys that were found there.
    pub(crate) fn given(&self) -> BTreeSet<String> {
        self.given.borrow().clone()
    }

    /// Something is wrong: the file cannot be used.
    pub fn error(&self, problem: Problem) {
        self.errors.borrow_mut().push(problem);
    }

    /// Something is unwise.
    pub fn warning(&self, problem: Problem) {
        self.warnings.borrow_mut().push(problem);
    }

    /// Errors and warnings, in the order of the file.
    pub(crate) fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        let sorted = |problems: RefCell<Vec<Problem>>| {
            let mut problems = problems.into_inner();
            problems.sort_by_key(|problem| problem.span.start);
            problems
        };
        (sorted(self.errors), sorted(self.warnings))
    }

    /// What stands at `span`, short enough for a message.
    fn shown(&self, span: &Range<usize>) -> String {
        let text = self.text.get(span.clone()).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let short: String = line.chars().take(VALUE_SHOWN_MAX).collect();
        if short.len() < text.len() { format!("{short}...") } else { short }
    }
}

/// A value with its place, for checks that come later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct At<T> {
    /// What is there.
    pub value: T,
    /// Its key with those above, as `network[1].peers[2]`.
    pub path: String,
    /// Where it is, in bytes of the file.
    pub span: Range<usize>,
}

impl<T> At<T> {
    /// Another value at the same place.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        At { value: f(self.value), path: self.path, span: self.span }
    }

    /// "`path` is `value`: expected ..."
    pub fn wrong(&self, source: &Source<'_>, expected: impl Display) -> Problem {
        let shown = source.shown(&self.span);
        Problem::new(self.span.clone(), format!("`{}` is `{shown}`: {expected}", self.path))
    }
}

/// One table of the file.
#[derive(Debug)]
pub struct Section<'a, 't> {
    source: &'a Source<'t>,
    path: String,
    span: Range<usize>,
    table: &'a DeTable<'t>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a, 't> Section<'a, 't> {
    pub(crate) fn root(source: &'a Source<'t>, table: &'a DeTable<'t>) -> Self {
        Section { source, path: String::new(), span: 0..0, table, known: RefCell::default() }
    }

    /// The file, which takes what is wrong.
    pub fn source(&self) -> &'a Source<'t> {
        self.source
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &'static str) -> Option<At<&'a DeValue<'t>>> {
        self.known.borrow_mut().push(key);
        let value: &Spanned<DeValue<'_>> = self.table.get(key)?;
        let path = self.at(key);
        self.source.given.borrow_mut().insert(path.clone());
        Some(At { value: value.get_ref(), path, span: value.span() })
    }

    /// Whether the key is there, whatever it says.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether the key is an empty list.
    pub fn is_empty_list(&self, key: &str) -> bool {
        self.table.get(key).and_then(|it| it.get_ref().as_array()).is_some_and(|it| it.is_empty())
    }

    /// A problem of the table itself: a missing key, a bad combination.
    pub fn wrong(&self, title: impl Display) -> Problem {
        Problem::new(self.span.clone(), format!("`[{}]`: {title}", self.path))
    }

    fn refuse<T>(&self, at: &At<T>, expected: impl Display) {
        self.source.error(at.wrong(self.source, expected));
    }

    /// The table `key`, if there is one.
    pub fn table(&self, key: &'static str) -> Option<Section<'a, 't>> {
        let at = self.get(key)?;
        let DeValue::Table(table) = at.value else {
            self.refuse(&at, format!("expected a table, written as [{key}]"));
            return None;
        };
        Some(self.below(at.path, at.span, table))
    }

    /// The tables `[[key]]`, in order.
    pub fn tables(&self, key: &'static str) -> Vec<Section<'a, 't>> {
        let Some(at) = self.get(key) else { return Vec::new() };
        let expected = format!("expected tables, each written as [[{key}]]");
        let DeValue::Array(items) = at.value else {
            self.refuse(&at, expected);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let path = format!("{}[{}]", at.path, number + 1);
            match item.get_ref() {
                DeValue::Table(table) => sections.push(self.below(path, item.span(), table)),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_) => {
                    self.refuse(&At { value: (), path, span: item.span() }, &expected);
                }
            }
        }
        sections
    }

    /// A table whose keys are free and whose values are texts, perhaps passwords:
    /// what is not is refused without being shown.
    pub fn secrets(&self, key: &'static str) -> Vec<(String, At<String>)> {
        let Some(at) = self.get(key) else { return Vec::new() };
        let refuse = |at: At<()>, expected: &str| {
            let problem = Problem::new(at.span, format!("`{}`: {expected}", at.path));
            self.source.error(problem.secret());
        };
        let DeValue::Table(table) = at.value else {
            refuse(at.map(|_| ()), "expected a table of texts in braces, as { Name = \"text\" }");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (name, value) in table.iter() {
            let name = name.get_ref().to_string();
            let place = At { value: (), path: format!("{}.{name}", at.path), span: value.span() };
            match value.get_ref().as_str() {
                Some(text) => texts.push((name, place.map(|()| text.to_owned()))),
                None => refuse(place, "expected text in quotes"),
            }
        }
        texts
    }

    fn below(&self, path: String, span: Range<usize>, table: &'a DeTable<'t>) -> Self {
        Section { source: self.source, path, span, table, known: RefCell::default() }
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<At<String>> {
        let at = self.get(key)?;
        match at.value.as_str() {
            Some(text) => {
                let text = text.to_owned();
                Some(at.map(|_| text))
            }
            None => {
                self.refuse(&at, "expected text in quotes");
                None
            }
        }
    }

    /// True or false.
    pub fn boolean(&self, key: &'static str) -> Option<At<bool>> {
        let at = self.get(key)?;
        match at.value.as_bool() {
            Some(value) => Some(at.map(|_| value)),
            None => {
                self.refuse(&at, "expected true or false");
                None
            }
        }
    }

    /// A whole number from `min` to `max`.
    pub fn integer(&self, key: &'static str, min: u32, max: u32) -> Option<At<u32>> {
        let at = self.get(key)?;
        let number = at
            .value
            .as_integer()
            .and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| (min..=max).contains(number));
        match number {
            Some(number) => Some(at.map(|_| number)),
            None => {
                self.refuse(&at, format!("expected a whole number from {min} to {max}"));
                None
            }
        }
    }

    /// A length of time.
    pub fn duration(&self, key: &'static str) -> Option<At<std::time::Duration>> {
        let at = self.get(key)?;
        let read = match at.value {
            DeValue::String(text) => duration::parse(text),
            DeValue::Integer(_) | DeValue::Float(_) => {
                Err(format!("a bare number has no unit; {}", duration::EXPECTED))
            }
            DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                Err(duration::EXPECTED.to_owned())
            }
        };
        match read {
            Ok(value) => Some(at.map(|_| value)),
            Err(reason) => {
                self.refuse(&at, reason);
                None
            }
        }
    }

    /// A text that says a `T`.
    pub fn parsed<T: FromStr>(&self, key: &'static str, expected: &'static str) -> Option<At<T>> {
        let at = self.get(key)?;
        match at.value.as_str().and_then(|text| text.parse().ok()) {
            Some(value) => Some(at.map(|_| value)),
            None => {
                self.refuse(&at, expected);
                None
            }
        }
    }

    /// A list of texts, each of which says a `T`.
    pub fn list<T: FromStr>(&self, key: &'static str, expected: &str) -> Option<Vec<At<T>>> {
        let at = self.get(key)?;
        let Some(items) = at.value.as_array() else {
            self.refuse(&at, format!("expected a list in square brackets of {expected}"));
            return None;
        };
        let mut values = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let path = format!("{}[{}]", at.path, number + 1);
            let place = At { value: (), path, span: item.span() };
            match item.get_ref().as_str().and_then(|text| text.parse::<T>().ok()) {
                Some(value) => values.push(place.map(|()| value)),
                None => self.refuse(&place, format!("expected {expected}")),
            }
        }
        Some(values)
    }

    /// A list of IP addresses.
    pub fn addresses(&self, key: &'static str) -> Vec<At<IpAddr>> {
        self.list(key, "an IP address in quotes, as \"192.28.4.5\"").unwrap_or_default()
    }

    /// Refuses the keys that nobody asked for.
    pub fn finish(self) {
        let known = self.known.into_inner();
        for (key, value) in self.table.iter() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let path = if self.path.is_empty() {
                name.to_owned()
            } else {
                format!("{}.{name}", self.path)
            };
            let near = known.iter().min_by_key(|known| distance(name, known));
            let expected = match near {
                Some(near) if distance(name, near) <= (name.len() / 3).max(1) => {
                    format!("expected `{near}`")
                }
                Some(_) | None => format!("expected one of {}", known.join(", ")),
            };
            let table = matches!(value.get_ref(), DeValue::Table(_));
            let title = if table {
                format!("unknown table `[{path}]`: {expected}")
            } else {
                let shown = self.source.shown(&value.span());
                format!("unknown key `{path}` (with the value `{shown}`): {expected}")
            };
            self.source.error(Problem::new(key.span(), title));
        }
    }
}

/// How many letters must be changed, added or left out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
