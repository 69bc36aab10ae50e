//! The parameters and the configuration in force.

use hats_client::ipc::{Config, Param};

use super::or_nothing;
use crate::{table::Table, words::clean};

/// `hats-status params`; `wide` with what each means.
pub(crate) fn params(params: &[Param], wide: bool) -> String {
    let mut titles = vec!["PARAMETER", "VALUE", "DEFAULT", "FROM", "RANGE"];
    titles.extend(wide.then_some("MEANING"));
    let mut table = Table::new(&titles);
    for param in params {
        let mut row = vec![param.name.clone(), or_nothing(Some(&param.value))];
        row.extend([or_nothing(Some(&param.fallback)), param.source.clone()]);
        row.push(or_nothing(Some(&param.range)));
        row.extend(wide.then(|| param.meaning.clone()));
        table.row(row);
    }
    table.render()
}

/// `hats-status config`.
pub(crate) fn config(config: &Config) -> String {
    let mut text = match &config.file {
        Some(file) => format!("# read from {}\n", clean(file)),
        None => format!("# no file: {} is not there\n", clean(&config.looked_for)),
    };
    text.push('\n');
    for line in config.effective.lines() {
        text.push_str(&clean(line));
        text.push('\n');
    }
    text
}
