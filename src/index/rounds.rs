use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::ask::{Said, ask};
use crate::cause::chain;
use crate::render::{IndexPages, Listed, State};
use crate::site::{Place, Site, Source, keeping_the_last};

/// The pause between two rounds.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// How long one instance may take to answer. One that starts may wait for its own first answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Instances that are asked at once: each may send a large answer.
const AT_ONCE: usize = 8;

/// What is known of each word.
#[derive(Debug, Default)]
struct Known(Vec<(Place, Option<Said>)>);

/// Asks all instances again and again, and shows what they said.
pub(super) async fn run(source: Source, mut site: Site, shown: Arc<watch::Sender<Option<Arc<IndexPages>>>>) {
    let mut known = Known::default();
    loop {
        known = known.round(&site).await;
        shown.send_replace(Some(Arc::new(IndexPages::new(&known.listed()))));
        sleep(PAUSE).await;
        match source.read().await {
            Ok(read) => site = read,
            Err(invalid) => keeping_the_last(&invalid),
        }
    }
}

impl Known {
    /// Asks every instance of the site once.
    async fn round(mut self, site: &Site) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut asked = JoinSet::new();
        let mut answered: Vec<(Place, Option<Said>)> = Vec::with_capacity(site.places.len());
        for (number, place) in site.places.iter().enumerate() {
            let last = self.take(place);
            answered.push((place.clone(), None));
            let (place, turns) = (place.clone(), Arc::clone(&turns));
            asked.spawn(async move {
                let _turn = turns.acquire().await;
                (number, said(&place, last).await)
            });
        }
        while let Some(ended) = asked.join_next().await {
            if let Ok((number, said)) = ended
                && let Some((_, place)) = answered.get_mut(number)
            {
                *place = said;
            }
        }
        Self(answered)
    }

    /// What the same place said in the round before; nothing if it was not there.
    fn take(&mut self, place: &Place) -> Option<Option<Said>> {
        let (_, said) = self.0.iter_mut().find(|(known, _)| known == place)?;
        Some(said.take())
    }

    fn listed(&self) -> Vec<Listed> {
        let listed = self.0.iter().map(|(place, said)| Listed {
            word: place.link.word.clone(),
            url: place.link.url.clone(),
            state: said
                .as_ref()
                .map_or(State::Unavailable, |said| said.state.clone()),
        });
        listed.collect()
    }
}

/// What an instance says now. The log tells of a change only: an instance that is away would fill it.
async fn said(place: &Place, last: Option<Option<Said>>) -> Option<Said> {
    let address = place.address.as_ref()?;
    let word = place.link.word.as_str();
    let was_served = last.as_ref().map(Option::is_some);
    let answer = match timeout(PATIENCE, ask(address, word, last.flatten())).await {
        Ok(answer) => answer.map_err(|error| chain(&error)),
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    };
    match answer {
        Ok(said) => {
            if was_served != Some(true) {
                tracing::info!(word, address = %address, "a word is served");
            }
            Some(said)
        }
        Err(cause) => {
            if was_served != Some(false) {
                tracing::warn!(word, address = %address, cause, "a word is not available");
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without addresses nobody is asked, so that no time passes but by the pauses.
    #[tokio::test(start_paused = true)]
    async fn the_list_follows_the_file_and_outlives_a_bad_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.json");
        let write =
            |words: &str| std::fs::write(&path, format!("{{\"index\": \"/\", \"words\": [{words}]}}"));
        let (a, b) = (r#"{"word": "a", "url": "/a/"}"#, r#"{"word": "b", "url": "/b/"}"#);
        write(a).unwrap();
        let source = Source::file(path.clone());
        let site = source.read().await.unwrap();
        let sender = Arc::new(watch::Sender::new(None));
        let mut shown = sender.subscribe();
        let rounds = tokio::spawn(run(source, site, sender));
        let mut words = async || {
            shown.changed().await.unwrap();
            let pages = shown.borrow_and_update().clone().unwrap();
            let (_, page) = pages.get(&crate::render::json::FORMAT);
            let text = String::from_utf8(page.identity.body.to_vec()).unwrap();
            ["/a/", "/b/"].map(|url| text.contains(url))
        };
        assert_eq!(words().await, [true, false]);
        write("{").unwrap();
        assert_eq!(words().await, [true, false]);
        write(&format!("{b}, {a}")).unwrap();
        assert_eq!(words().await, [true, true]);
        write(b).unwrap();
        assert_eq!(words().await, [false, true]);
        rounds.abort();
    }
}
