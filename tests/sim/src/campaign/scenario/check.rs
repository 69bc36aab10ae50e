//! Whether what a scenario names is there, and fits together.

use crate::campaign::story::{Episode, Member, Pace, Step, Story};

/// A node, a network, or the adapter that one has on the other.
pub(crate) type Place<'a> = (Option<&'a str>, Option<&'a str>);

/// All places are in the cluster.
pub(crate) fn places<'a>(
    story: &Story,
    places: impl IntoIterator<Item = Place<'a>>,
) -> Result<(), String> {
    for (node, network) in places {
        if let Some(name) = network.filter(|name| !story.networks.iter().any(|it| it == name)) {
            return Err(format!(
                "{name} is no network: expected one of {}",
                story.networks.join(" ")
            ));
        }
        let Some(node) = node else { continue };
        let Some(member) = story.everybody().find(|member| member.name == node) else {
            let nodes: Vec<&str> = story.everybody().map(|node| node.name.as_str()).collect();
            return Err(format!("{node} is no node: expected one of {}", nodes.join(" ")));
        };
        if let Some(network) = network.filter(|network| !member.is_on(network)) {
            let on = story.on(network).join(" ");
            return Err(format!("{node} has no adapter on {network}: expected one of {on}"));
        }
    }
    Ok(())
}

/// The node that `text` says: `n1 neta.5 netb.3`.
pub(super) fn member(story: &Story, text: &str) -> Result<Member, String> {
    let mut words = text.split_whitespace();
    let name = words.next().ok_or("expected NODE NETWORK.NUMBER ...")?.to_owned();
    if story.everybody().any(|node| node.name == name) {
        return Err(format!("{name} is there already: expected another name"));
    }
    let mut member = Member { name, adapters: Vec::new() };
    for word in words {
        let adapter = word.rsplit_once('.').and_then(|(network, last)| {
            Some((network.to_owned(), last.parse().ok().filter(|last| (1..=254).contains(last))?))
        });
        let adapter: (String, u8) = adapter
            .ok_or_else(|| format!("{word} is no adapter: expected NETWORK.NUMBER, 1 to 254"))?;
        places(story, [(None, Some(adapter.0.as_str()))])?;
        if member.is_on(&adapter.0) {
            return Err(format!("{word} is its second adapter there: expected one on a network"));
        }
        if let Some(owner) = story.everybody().find(|node| node.adapters.contains(&adapter)) {
            return Err(format!("{word} is {}'s: expected another number", owner.name));
        }
        member.adapters.push(adapter);
    }
    if member.adapters.is_empty() {
        return Err("expected at least one adapter, as NETWORK.NUMBER".to_owned());
    }
    Ok(member)
}

/// The adapter that `text` says, which must reach hosts that there are: `n1/neta`.
pub(super) fn required(story: &Story, text: &str) -> Result<(String, String), String> {
    let (node, network) = text.split_once('/').ok_or("expected NODE/NETWORK")?;
    places(story, [(Some(node), Some(network))])?;
    if !story.hosts.iter().any(|host| host.is_on(network)) {
        return Err(format!("there is no host on {network}: expected one in `hosts`"));
    }
    Ok((node.to_owned(), network.to_owned()))
}

/// A network of this name may be added to `networks`.
pub(super) fn network(networks: &[String], name: &str) -> Result<String, &'static str> {
    if networks.iter().any(|it| it == name) {
        return Err("expected another name, for it is there already");
    }
    if networks.len() == 200 {
        return Err("expected at most 200 networks");
    }
    if name.is_empty() || name.contains([' ', '/', ':', '.', ',']) {
        return Err("expected a word without . : , and /");
    }
    Ok(name.to_owned())
}

/// The groups that `text` says, with each side's nodes: `neta: n3 n2 | n1`.
pub(super) fn groups(story: &Story, text: &str) -> Result<String, String> {
    let (network, sides) = text.split_once(": ").ok_or("expected NETWORK: A B | C D")?;
    let nodes = sides.split('|').flat_map(str::split_whitespace);
    places(story, nodes.map(|node| (Some(node), Some(network))))?;
    if sides.split('|').any(|side| side.trim().is_empty()) {
        return Err("expected nodes on each side of a |".to_owned());
    }
    Ok(text.to_owned())
}

/// The step can be done while those before it are in force.
pub(super) fn collision(episode: &Episode, step: &Step) -> Result<(), String> {
    for other in episode.steps.iter().filter(|other| other.fault.collides(&step.fault)) {
        let before = |a: &Step, b: &Step| a.lasts.is_some_and(|lasts| a.after + lasts <= b.after);
        let over = match episode.pace {
            Pace::OneByOne => other.lasts.is_some(),
            Pace::Overlapping | Pace::Forming => before(other, step) || before(step, other),
        };
        if !over {
            return Err(format!(
                "{:?} is done while {:?} is in force: expected one at a time",
                step.fault.words(),
                other.fault.words()
            ));
        }
    }
    Ok(())
}
