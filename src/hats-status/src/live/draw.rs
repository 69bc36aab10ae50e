//! The whole screen.

use hats_client::ipc::{Adapter, Event, Network, Snapshot, Verdict};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Clear, Paragraph},
};

use super::{
    app::{App, Entry, Focus, Popup, Thing},
    ring::ring,
    theme::{Theme, sign},
};
use crate::{
    show::{
        overview::{judgement, time_of_day},
        role, state, used_networks, verdict,
    },
    words::{age, clean, span},
};

/// The widest that the list of adapters is.
const LIST_WIDTH: u16 = 36;
/// The highest that the pane of events is.
const EVENTS_HEIGHT: u16 = 12;

/// Draws `app`.
pub(crate) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme) {
    let area = frame.area();
    let below = (area.height / 3).clamp(4, EVENTS_HEIGHT);
    let [head, body, bottom, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(6),
        Constraint::Length(below),
        Constraint::Length(1),
    ])
    .areas(area);
    let [left, right] =
        Layout::horizontal([Constraint::Max(LIST_WIDTH), Constraint::Min(30)]).areas(body);
    frame.render_widget(Paragraph::new(header(app, theme)), head);
    things(frame, app, left, theme);
    network(frame, app, right, theme);
    if app.focus == Focus::Verdicts {
        verdicts(frame, app, bottom, theme);
    } else {
        events(frame, app, bottom, theme);
    }
    frame.render_widget(Paragraph::new(footer(app)), foot);
    if let Some(popup) = &app.popup {
        show_popup(frame, popup);
    }
}

fn header(app: &App, theme: Theme) -> Vec<Line<'static>> {
    let Some(snapshot) = app.snapshot() else {
        let why = app.gone.clone().unwrap_or_else(|| "waiting for hatsd".to_owned());
        return vec![Line::styled(clean(&why), theme.state("down"))];
    };
    let view = snapshot.daemon.as_ref().map_or("unknown", |daemon| daemon.node.as_str());
    let time = time_of_day(&snapshot.ts);
    let title = format!("cluster {}  view {view}  as of {time}", snapshot.cluster);
    let mut first = vec![Span::styled(clean(&title), Style::new().add_modifier(Modifier::BOLD))];
    if app.paused {
        let held = Span::styled("  HELD (space goes on)", theme.state("DEGRADED"));
        first.push(held);
    }
    let second = match &app.gone {
        Some(why) => Line::styled(format!("! {}", clean(why)), theme.state("down")),
        None => Line::styled(clean(&judgement(snapshot)), theme.state(&snapshot.overall)),
    };
    vec![Line::from(first), second]
}

fn footer(app: &App) -> Line<'static> {
    if app.typing {
        return Line::raw(format!("/{}▏  enter: keep  esc: show everything", clean(&app.filter)));
    }
    let mut text =
        String::from("q end  enter evidence  tab pane  v verdicts  / filter  f faults  ? help");
    if !app.filter.is_empty() {
        text = format!("showing \"{}\" (esc: everything)  {text}", clean(&app.filter));
    }
    if app.faults_only {
        text = format!("only what is wrong (f: everything)  {text}");
    }
    Line::styled(text, Style::new().add_modifier(Modifier::DIM))
}

fn pane(title: &str, focused: bool) -> Block<'static> {
    let style = if focused { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let title = if focused { format!("▸{title} ") } else { format!(" {title} ") };
    Block::bordered().title(Span::styled(title, style))
}

/// The part of a list that has its cursor in the middle, as far as it goes.
fn window(count: usize, at: usize, height: usize) -> std::ops::Range<usize> {
    let first = at.saturating_sub(height / 2).min(count.saturating_sub(height));
    first..(first + height).min(count)
}

fn list(frame: &mut Frame<'_>, area: Rect, block: Block<'_>, lines: Vec<Line<'_>>, at: usize) {
    let height = usize::from(area.height.saturating_sub(2));
    let shown = window(lines.len(), at, height);
    let lines: Vec<Line<'_>> = lines.into_iter().skip(shown.start).take(shown.len()).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn things(frame: &mut Frame<'_>, app: &App, area: Rect, theme: Theme) {
    let things = app.things();
    let at = app.thing_at(&things);
    let focused = app.focus == Focus::Things;
    let Some(snapshot) = app.snapshot() else { return };
    let lines = things
        .iter()
        .enumerate()
        .map(|(number, thing)| {
            let line = match thing {
                Thing::Network(network) => network_line(network, theme),
                Thing::Adapter(adapter) => adapter_line(snapshot, adapter, theme),
            };
            if focused && number == at { cursor(line) } else { line }
        })
        .collect();
    list(frame, area, pane("networks and adapters", focused), lines, at);
}

fn cursor(line: Line<'_>) -> Line<'_> {
    line.style(Style::new().add_modifier(Modifier::REVERSED))
}

fn network_line(network: &Network, theme: Theme) -> Line<'static> {
    let told = format!("{} {}/{}", network.state, network.up, network.configured);
    let name = Span::styled(clean(&network.name), Style::new().add_modifier(Modifier::BOLD));
    Line::from(vec![name, Span::raw(" "), Span::styled(told, theme.state(&network.state))])
}

fn adapter_line(snapshot: &Snapshot, adapter: &Adapter, theme: Theme) -> Line<'static> {
    let own = if adapter.self_ { "*" } else { "" };
    let mut told = format!(
        " {} {}{own} {} {}",
        sign(&adapter.state),
        adapter.node,
        adapter.adapter,
        // The list has the sign in front.
        state(&adapter.state, adapter.cause.as_deref()).trim_end_matches(" !")
    );
    match role(snapshot, adapter) {
        Some("leader") => told.push_str(" L"),
        Some("successor") => told.push_str(" S"),
        Some(_) | None => {}
    }
    if adapter.state != "up" {
        told.push_str(&format!(" {}", age(adapter.since_ms)));
    }
    Line::styled(clean(&told), theme.state(&adapter.state))
}

/// The network that the cursor is on: its ring, who is not in it, and how its
/// neighbours are heard.
fn network(frame: &mut Frame<'_>, app: &App, area: Rect, theme: Theme) {
    let things = app.things();
    let (Some(snapshot), Some(thing)) = (app.snapshot(), things.get(app.thing_at(&things))) else {
        frame.render_widget(Paragraph::new("").block(pane("network", false)), area);
        return;
    };
    let named = |network: &&Network| network.name == thing.network();
    let Some(network) = used_networks(snapshot).find(named) else { return };
    let selected = match thing {
        Thing::Adapter(adapter) => adapter.addr.as_str(),
        Thing::Network(_) => "",
    };
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = vec![roles(network)];
    lines.push(Line::raw(""));
    lines.extend(ring(snapshot, network, selected, width, theme));
    lines.push(Line::raw(""));
    lines.extend(outside(snapshot, network, theme));
    lines.extend(heard(app, snapshot, network, width, theme));
    if let Thing::Adapter(adapter) = thing {
        lines.extend(detail(adapter, width, theme));
    }
    let title = format!("{} {}", clean(&network.name), clean(&network.subnet));
    frame.render_widget(Paragraph::new(lines).block(pane(&title, false)), area);
}

fn roles(network: &Network) -> Line<'static> {
    let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
    let (leader, successor) = (named(&network.leader), named(&network.successor));
    let since = age(network.since_ms);
    Line::raw(clean(&format!("leader {leader}  successor {successor}  unchanged {since}")))
}

/// Who is known on the network and not in its group.
fn outside(snapshot: &Snapshot, network: &Network, theme: Theme) -> Vec<Line<'static>> {
    let missing = |it: &&Adapter| {
        it.network == network.name && it.state != "up" && !network.members.contains(&it.addr)
    };
    let mut lines: Vec<Line<'static>> = snapshot
        .adapters
        .iter()
        .filter(missing)
        .map(|adapter| {
            let why = adapter.cause.as_deref().unwrap_or(&adapter.state);
            let told = format!("{} {} ({why})", sign(&adapter.state), adapter.node);
            Line::styled(clean(&format!("outside: {told}")), theme.state(&adapter.state))
        })
        .collect();
    if lines.len() > OUTSIDE_MAX {
        let more = lines.len() - OUTSIDE_MAX;
        lines.truncate(OUTSIDE_MAX);
        lines.push(Line::raw(format!("outside: and {more} more")));
    }
    lines
}

/// More that are not in a group are counted.
const OUTSIDE_MAX: usize = 4;

/// The silence of each upstream neighbour at each look.
fn heard(
    app: &App,
    snapshot: &Snapshot,
    network: &Network,
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let full_ms = snapshot.detection.as_ref().map_or(1_000, |it| it.detection_time_us / 1_000);
    let own = |it: &&Adapter| it.self_ && it.network == network.name;
    let mut lines = Vec::new();
    for adapter in snapshot.adapters.iter().filter(own) {
        for upstream in &adapter.watches {
            let name = if upstream.node.is_empty() { &upstream.addr } else { &upstream.node };
            let worst = app.gaps.worst_ms(&adapter.addr, &upstream.addr);
            // Fresh is as it should be: the bars say the rest.
            let state = Some(upstream.state.as_str()).filter(|state| *state != "fresh");
            let state = state.map(|state| format!("{state} ")).unwrap_or_default();
            let head = format!("hears {name} {state}");
            let tail = format!(" gap {}", span(worst.saturating_mul(1_000)));
            let room = width.saturating_sub(head.chars().count() + tail.chars().count());
            let bars = app.gaps.bars(&adapter.addr, &upstream.addr, full_ms, room);
            lines.push(Line::from(vec![
                Span::raw(clean(&head)),
                Span::styled(bars, theme.state(&upstream.state)),
                Span::raw(tail),
            ]));
        }
    }
    lines
}

fn detail(adapter: &Adapter, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let told = format!("{} {} {}", adapter.node, adapter.adapter, adapter.addr);
    let mut lines = vec![Line::raw(""), Line::styled(clean(&told), theme.dim())];
    if let Some(reason) = &adapter.reason {
        for line in wrapped(&clean(reason), width) {
            lines.push(Line::styled(line, theme.state(&adapter.state)));
        }
    }
    lines
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let used = lines[last].chars().count();
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if used > 0 {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

fn events(frame: &mut Frame<'_>, app: &App, area: Rect, theme: Theme) {
    let focused = app.focus == Focus::Events;
    let entries = app.entries();
    let at = app.event_at.min(entries.len().saturating_sub(1));
    let lines = entries
        .iter()
        .enumerate()
        .map(|(number, entry)| {
            let line = match entry {
                Entry::Event(event) => event_line(event, theme),
                Entry::Gap(text) => Line::styled(clean(text), theme.state("down")),
            };
            if focused && number == at { cursor(line) } else { line }
        })
        .collect();
    list(frame, area, pane("events, newest first", focused), lines, at);
}

fn event_line(event: &Event, theme: Theme) -> Line<'static> {
    let time = time_of_day(&event.ts).trim_end_matches('Z').to_owned();
    let evidence = if event.verdict_id.is_some() { "¶" } else { " " };
    let told = format!("{evidence}{} {}", event.code.trim_start_matches("HATS-"), event.msg);
    Line::from(vec![
        Span::styled(clean(&time), theme.dim()),
        Span::raw(" "),
        Span::styled(clean(&format!("{:<5}", event.level)), theme.state(&event.level)),
        Span::raw(clean(&told)),
    ])
}

fn verdicts(frame: &mut Frame<'_>, app: &App, area: Rect, theme: Theme) {
    let verdicts = app.verdicts();
    let at = app.verdict_at.min(verdicts.len().saturating_sub(1));
    let lines = verdicts
        .iter()
        .enumerate()
        .map(|(number, verdict)| {
            let line = verdict_line(verdict, theme);
            if number == at { cursor(line) } else { line }
        })
        .collect();
    list(frame, area, pane("verdicts, newest first", true), lines, at);
}

fn verdict_line(verdict: &Verdict, theme: Theme) -> Line<'static> {
    let time = time_of_day(&verdict.ts).trim_end_matches('Z').to_owned();
    let told = format!(" {}: {}", verdict::headline(verdict), verdict.summary);
    Line::from(vec![Span::styled(clean(&time), theme.dim()), Span::raw(clean(&told))])
}

fn show_popup(frame: &mut Frame<'_>, popup: &Popup) {
    let area = frame.area();
    let widest = popup.lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let wanted = |content: usize| u16::try_from(content + 2).unwrap_or(u16::MAX);
    let width = wanted(widest.max(popup.title.chars().count() + 2)).min(area.width);
    let height = wanted(popup.lines.len()).min(area.height);
    let inside = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let shown = popup.lines.iter().skip(popup.from).map(|line| Line::raw(clean(line)));
    let block =
        pane(&clean(&popup.title), true).title_bottom(Line::raw(" esc closes ").right_aligned());
    frame.render_widget(Clear, inside);
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()).block(block), inside);
}
