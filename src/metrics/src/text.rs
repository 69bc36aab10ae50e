//! Families of samples, as lines.

use std::fmt::{Display, Write as _};

/// The text in the making.
#[derive(Debug, Default)]
pub(crate) struct Text {
    out: String,
    /// Announced and without a sample so far: a family with none is left out.
    pending: Option<String>,
    name: &'static str,
}

impl Text {
    /// Begins a family of counters, which only ever grow within a run.
    pub(crate) fn counter(&mut self, name: &'static str, help: &str) {
        self.family(name, "counter", help);
    }

    /// Begins a family of gauges.
    pub(crate) fn gauge(&mut self, name: &'static str, help: &str) {
        self.family(name, "gauge", help);
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        self.pending = Some(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// A sample of the family begun last.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        if let Some(head) = self.pending.take() {
            self.out.push_str(&head);
        }
        self.out.push_str(self.name);
        for (number, (label, content)) in labels.iter().enumerate() {
            self.out.push(if number == 0 { '{' } else { ',' });
            self.out.push_str(label);
            self.out.push_str("=\"");
            escape(&mut self.out, content);
            self.out.push('"');
        }
        if !labels.is_empty() {
            self.out.push('}');
        }
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, " {value}");
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }
}

fn escape(out: &mut String, content: &str) {
    for c in content.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

/// Microseconds in seconds, exactly: Prometheus knows base units only.
pub(crate) fn seconds(us: u64) -> String {
    let (whole, rest) = (us / 1_000_000, us % 1_000_000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:06}").trim_end_matches('0').to_owned()
}

/// Milliseconds in seconds.
pub(crate) fn seconds_of_ms(ms: u64) -> String {
    seconds(ms.saturating_mul(1_000))
}
