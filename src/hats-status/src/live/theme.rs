//! The colours of states, and the signs that say the same.

use ratatui::style::{Color, Modifier, Style};

/// Whether there is colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Theme {
    pub(crate) colour: bool,
}

impl Theme {
    /// The style of a state, an overall word or a level.
    pub(crate) fn state(self, state: &str) -> Style {
        let wrong =
            matches!(state, "down" | "unknown" | "failed" | "partitioned" | "CRITICAL" | "error");
        let odd = matches!(
            state,
            "joining" | "waiting" | "unstable" | "DEGRADED" | "warn" | "late" | "silent"
        );
        let style = if wrong { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
        if !self.colour {
            return style;
        }
        match (wrong, odd, state) {
            (true, _, _) => style.fg(Color::Red),
            (_, true, _) => style.fg(Color::Yellow),
            (_, _, "up" | "OK" | "stable" | "fresh") => style.fg(Color::Green),
            _ => style,
        }
    }

    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}

/// The sign of a state.
pub(crate) fn sign(state: &str) -> &'static str {
    match state {
        "up" => "●",
        "joining" => "◍",
        "down" => "✖",
        "unknown" => "?",
        "waiting" => "○",
        _ => "-",
    }
}
