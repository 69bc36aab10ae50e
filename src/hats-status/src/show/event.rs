//! One event on one line.

use hats_client::ipc::Event;

use super::line::Line;
use crate::words::clean;

/// For people.
pub(crate) fn text(event: &Event, wide: bool) -> String {
    let Event { ts, level, code, event: name, msg, .. } = event;
    let mut line = format!("{ts} {level:<5} {code} {name}: {msg}");
    if wide {
        if let Some(verdict) = &event.verdict_id {
            line.push_str(&format!(" [verdict {verdict}]"));
        }
        let authority = if event.authority { " authority" } else { "" };
        let Event { observer, epoch, seq, .. } = event;
        line.push_str(&format!(" [{observer} {epoch}/{seq}{authority}]"));
    }
    clean(&line)
}

/// For scripts.
pub(crate) fn line(event: &Event) -> String {
    let mut line = Line::of(&[("event", &event.seq.to_string())]);
    line.attribute("code", &event.code);
    line.attribute("name", &event.event);
    line.attribute("level", &event.level);
    line.attribute("ts", &event.ts);
    line.optional("net", event.network.as_deref());
    line.optional("node", event.node.as_deref());
    line.optional("adapter", event.adapter.as_deref());
    line.optional("addr", event.addr.as_deref());
    line.optional("why", event.cause.as_deref());
    line.optional("verdict", event.verdict_id.as_deref());
    line.optional("clears", event.clears.as_deref());
    line.attribute("authority", if event.authority { "yes" } else { "no" });
    line.attribute("epoch", &event.epoch.to_string());
    line.attribute("msg", &event.msg);
    line.text
}
