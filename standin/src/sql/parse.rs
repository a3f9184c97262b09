//! Parses the SQL text, and finds the tables that it names before anything else is checked.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{self, ObjectName, ObjectNamePart, Visit as _, Visitor};
use sqlparser::dialect::BigQueryDialect;
use sqlparser::parser::{Parser, ParserOptions};
use sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::compiler::refuse;
use super::error::{QueryError, Result};
use super::{Query, TableName};

/// BigQuery's own limit on a query's text, in bytes.
const MAX_TEXT: usize = 1024 * 1024;
/// The most keywords, names and operators in a query: it bounds the depth of the syntax tree, and so the stack.
const MAX_TOKENS: usize = 2000;

/// One parsed SELECT.
pub(super) struct Parsed {
    /// The syntax tree.
    pub(super) query: ast::Query,
    /// The position of each `?`, and its parameter.
    pub(super) positions: HashMap<Location, usize>,
}

/// Parses one SELECT.
///
/// # Errors
///
/// Text that is too long, that is not SQL, or that is anything but a single query.
pub(super) fn parse(sql: &str) -> Result<Parsed> {
    if sql.len() > MAX_TEXT {
        return Err(QueryError::new(
            "The query is too large: the limit is 1024K characters",
        ));
    }
    let dialect = BigQueryDialect {};
    // Escapes are decoded in `literal`, by BigQuery's rules and not by the parser's.
    let mut tokens = Tokenizer::new(&dialect, sql)
        .with_unescape(false)
        .tokenize_with_location()
        .map_err(|error| {
            QueryError::new(format!(
                "Syntax error: {}{}",
                error.message.replace("Unterminated", "Unclosed"),
                at(error.location)
            ))
        })?;
    let mut weight = 0;
    let mut positions = HashMap::new();
    let mut after_number = false;
    for token in &mut tokens {
        // The tokenizer would read `1_000` as the number 1 and a name.
        if after_number && matches!(token.token, Token::Word(_)) {
            let place = at(token.span.start);
            return Err(QueryError::new(format!(
                "Syntax error: Missing whitespace between literal and alias{place}"
            )));
        }
        after_number = matches!(token.token, Token::Number(..));
        match &token.token {
            Token::DoubleEq => {
                let place = at(token.span.start);
                return Err(QueryError::new(format!("Syntax error: Unexpected \"==\"{place}")));
            }
            Token::Placeholder(text) if text == "?" => {
                positions.insert(token.span.start, positions.len());
            }
            // The tokenizer reads `@name` as a name.
            Token::Word(word) if word.quote_style.is_none() && word.value.starts_with('@') => {
                token.token = Token::Placeholder(word.value.clone());
                weight += 1;
            }
            Token::Comma | Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) => {}
            _ => weight += 1,
        }
    }
    if weight > MAX_TOKENS {
        return Err(QueryError::new(format!(
            "The query is too complex for the stand-in: it has {weight} words and operators, at most {MAX_TOKENS} are allowed"
        )));
    }
    let mut statements = Parser::new(&dialect)
        .with_options(ParserOptions::new().with_unescape(false))
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| syntax_error(&error))?;
    match (statements.pop(), statements.is_empty()) {
        (None, _) => Err(QueryError::new("Syntax error: Unexpected end of statement")),
        (Some(_), false) => Err(QueryError::unsupported("A script of more than one statement")),
        (Some(ast::Statement::Query(query)), true) => Ok(Parsed {
            query: *query,
            positions,
        }),
        (Some(other), true) => {
            let text = other.to_string();
            let verb = text.split_whitespace().next().unwrap_or("this").to_uppercase();
            Err(QueryError::new(format!(
                "Statement {verb} is not supported by the stand-in: it is read-only, and runs only SELECT"
            )))
        }
    }
}

fn at(location: Location) -> String {
    if location.line == 0 {
        String::new()
    } else {
        format!(" at [{}:{}]", location.line, location.column)
    }
}

/// The parser's message in BigQuery's form: "Syntax error: … at [line:column]".
fn syntax_error(error: &sqlparser::parser::ParserError) -> QueryError {
    use sqlparser::parser::ParserError;
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => "the query is nested too deeply".to_owned(),
    };
    let message = match text.split_once(" at Line: ") {
        Some((what, place)) => format!("{what} at [{}]", place.replace(", Column: ", ":")),
        None => text,
    };
    QueryError::new(format!("Syntax error: {message}"))
}

/// The real tables that a query names, each once, without the names of its `WITH` clauses.
///
/// # Errors
///
/// A name without a dataset, or with too many parts.
pub(super) fn tables(parsed: &Parsed, query: &Query<'_>) -> Result<Vec<TableName>> {
    let mut walk = Walk {
        query,
        around: Vec::new(),
        found: Vec::new(),
    };
    match parsed.query.visit(&mut walk) {
        ControlFlow::Continue(()) => Ok(walk.found),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Walk<'q> {
    query: &'q Query<'q>,
    /// The enclosing queries, the innermost last.
    around: Vec<Around>,
    found: Vec<TableName>,
}

/// The `WITH` names of an enclosing query.
struct Around {
    /// Each name with its query, which is only compared with others.
    with: Vec<(String, *const ast::Query)>,
    /// How many of them have been passed: a name is in scope from the end of its own query; before that it is a
    /// table's.
    passed: usize,
}

impl Visitor for Walk<'_> {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<QueryError> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.around.push(Around {
            with: ctes
                .map(|cte| {
                    (
                        cte.alias.name.value.clone(),
                        std::ptr::from_ref(cte.query.as_ref()),
                    )
                })
                .collect(),
            passed: 0,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &ast::Query) -> ControlFlow<QueryError> {
        self.around.pop();
        if let Some(outer) = self.around.last_mut()
            && let Some((_, next)) = outer.with.get(outer.passed)
            && std::ptr::eq(*next, query)
        {
            outer.passed += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<QueryError> {
        if let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() {
            let mut names = self
                .around
                .iter()
                .flat_map(|query| query.with.iter().take(query.passed));
            if names.any(|(name, _)| name.eq_ignore_ascii_case(&ident.value)) {
                return ControlFlow::Continue(());
            }
        }
        match table_name(name, self.query) {
            Ok(table) => {
                if !self.found.contains(&table) {
                    self.found.push(table);
                }
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// The full name of a table, from one to three parts, back-quoted as a whole or not.
///
/// # Errors
///
/// A name without a dataset if the query has no default one, or with too many parts.
pub(super) fn table_name(name: &ObjectName, query: &Query<'_>) -> Result<TableName> {
    let mut parts = Vec::new();
    for part in &name.0 {
        match part {
            ObjectNamePart::Identifier(ident) => parts.extend(ident.value.split('.').map(str::to_owned)),
            ObjectNamePart::Function(_) => {
                return Err(QueryError::unsupported(format!("Table function {name}")));
            }
        }
    }
    if parts.iter().any(String::is_empty) {
        return Err(QueryError::new(format!("Invalid table name: {name}")));
    }
    if parts
        .iter()
        .any(|part| part.eq_ignore_ascii_case("INFORMATION_SCHEMA"))
    {
        return Err(QueryError::unsupported("INFORMATION_SCHEMA"));
    }
    if let Some(table) = parts.last() {
        refuse(table.ends_with('*'), "A wildcard table")?;
        refuse(table.contains(['$', '@']), "A table decorator")?;
    }
    let (project, dataset, table) = match (parts.as_slice(), query.dataset) {
        ([project, dataset, table], _) => (project.as_str(), dataset.as_str(), table),
        ([dataset, table], _) => (query.project, dataset.as_str(), table),
        ([table], Some((project, dataset))) => (project, dataset, table),
        ([table], None) => {
            return Err(QueryError::new(format!(
                "Table \"{table}\" must be qualified with a dataset (e.g. dataset.table)."
            )));
        }
        _ => {
            return Err(QueryError::unsupported(format!(
                "A table name of {} parts, {name},",
                parts.len()
            )));
        }
    };
    Ok(TableName {
        project: project.to_owned(),
        dataset: dataset.to_owned(),
        table: table.clone(),
    })
}
