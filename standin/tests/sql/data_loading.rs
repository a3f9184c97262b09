//! A custom table is loaded from a file, and a malformed file is reported with its line.

use std::path::{Path, PathBuf};

use bigquery_standin::data::load;
use bigquery_standin::sql::{Database, Query, Row};

/// A file that is removed when the test ends.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("data_loading.{}.{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn rows(database: &Database, sql: &str) -> Vec<Row> {
    let query = Query {
        sql,
        project: "bigquery-public-data",
        dataset: None,
        parameters: &[],
    };
    database.run(&database.prepare(&query).unwrap()).unwrap()
}

const CSV: &str = "word,word_count,corpus,corpus_date\nthe,3,one,1600\n\"a,b\",1,two,0\n";
const COMPACT: &str = "#one\t1600\nthe\t3\n#two\t0\na,b\n";

#[test]
fn every_format_gives_the_same_table() {
    let packed = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    let files = [
        Temporary::new("csv", CSV.as_bytes()),
        Temporary::new("csv.zst", &packed(CSV)),
        Temporary::new("tsv", COMPACT.as_bytes()),
        Temporary::new("tsv.zst", &packed(COMPACT)),
    ];
    for file in &files {
        let database = load(&file.0).unwrap();
        let table = &database.tables()[0];
        assert_eq!(
            (table.rows, table.bytes),
            (2, 2 * (8 + 8 + 2 + 2) + 3 + 3 + 3 + 3)
        );
        let listed = database.list(&table.name, 0, 10).unwrap();
        let text = |row: &Row| {
            row.iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("|")
        };
        assert_eq!(
            listed.iter().map(text).collect::<Vec<_>>(),
            ["the|3|one|1600", "a,b|1|two|0"]
        );
    }
}

#[test]
fn a_wrong_line_is_named() {
    for (name, bytes, message) in [
        (
            "header",
            "word,count\nthe,1\n",
            "line 1: expected the header word,word_count,corpus,corpus_date, found",
        ),
        ("empty", "", "line 1: expected the header"),
        (
            "number",
            "word,word_count,corpus,corpus_date\nthe,x,a,1\n",
            "line 2: expected a whole number as word_count",
        ),
        (
            "fields",
            "word,word_count,corpus,corpus_date\nthe,1,a\n",
            "line 2: expected four fields",
        ),
        (
            "corpus",
            "#one\t1600\nthe\n#two\n",
            "line 3: expected #corpus, a tab and the corpus's year",
        ),
        (
            "count",
            "#one\t1600\nthe\tmany\n",
            "line 2: expected a word, then a tab and its count",
        ),
        ("word", "#one\t1600\n\t1\n", "line 2: expected a word"),
    ] {
        let file = Temporary::new(name, bytes.as_bytes());
        let error = load(&file.0).map(|_| ()).unwrap_err().to_string();
        assert!(
            error.contains(message) && error.contains(&file.0.display().to_string()),
            "{error}"
        );
    }
    let broken = Temporary::new("broken", &[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]);
    assert!(
        load(&broken.0)
            .map(|_| ())
            .unwrap_err()
            .to_string()
            .starts_with("cannot read the table ")
    );
    let binary = Temporary::new("binary", b"#one\t1\n\xff\n");
    assert!(
        load(&binary.0)
            .map(|_| ())
            .unwrap_err()
            .to_string()
            .contains("it is not UTF-8")
    );
    let missing = load(Path::new("/nonexistent/table.csv"))
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        missing.starts_with("cannot read the table /nonexistent/table.csv: "),
        "{missing}"
    );
}

#[test]
#[ignore = "needs BigQuery's own table: name its file in STANDIN_REAL_TABLE"]
fn the_real_table_answers_as_bigquery() {
    let path = std::env::var_os("STANDIN_REAL_TABLE").expect("STANDIN_REAL_TABLE names the table's file");
    let database = load(Path::new(&path)).unwrap();
    let table = &database.tables()[0];
    assert_eq!((table.rows, table.bytes), (164_656, 6_432_064));
    let some = |values: &[&str]| values.iter().map(|v| Some((*v).to_owned())).collect::<Row>();
    let sums = "SELECT SUM(word_count), COUNT(DISTINCT corpus) FROM samples.shakespeare";
    assert_eq!(rows(&database, sums), [some(&["945845", "42"])]);
    let sql = "SELECT corpus, SUM(word_count) AS total_words FROM `bigquery-public-data.samples.shakespeare` \
        WHERE word = 'the' GROUP BY corpus ORDER BY total_words DESC";
    let answer = rows(&database, sql);
    assert_eq!((answer.len(), &answer[0]), (42, &some(&["hamlet", "995"])));
}
