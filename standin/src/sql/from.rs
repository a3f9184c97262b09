//! Compiles the `FROM` clause: tables, `WITH` names, subqueries, `UNNEST` and joins.

use sqlparser::ast::{
    self, Expr, Join, JoinConstraint, JoinOperator, TableAlias, TableFactor, TableWithJoins,
};

use super::compiler::{Compiler, Output, alias_name, no_signature, refuse};
use super::error::{QueryError, Result};
use super::parse::table_name;
use super::scope::{FromItem, Offered, Place, Scope, Typed};

impl Compiler<'_> {
    /// Compiles a `FROM`, with a space before it; empty if there is none.
    pub(super) fn from(&mut self, from: &[TableWithJoins]) -> Result<(String, Vec<FromItem>)> {
        let mut sources: Vec<FromItem> = Vec::new();
        let mut sql = String::new();
        for item in from {
            sql.push_str(if sources.is_empty() { " FROM " } else { " JOIN " });
            sql.push_str(&self.factor(&item.relation, &mut sources)?);
            for join in &item.joins {
                sql.push_str(&self.join(join, &mut sources)?);
            }
        }
        Ok((sql, sources))
    }

    fn join(&mut self, join: &Join, sources: &mut Vec<FromItem>) -> Result<String> {
        refuse(join.global, "GLOBAL JOIN")?;
        let (word, constraint) = match &join.join_operator {
            JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (" JOIN ", constraint),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                (" LEFT JOIN ", constraint)
            }
            JoinOperator::CrossJoin(constraint) => (" CROSS JOIN ", constraint),
            _ => return Err(QueryError::unsupported("This kind of JOIN")),
        };
        let relation = self.factor(&join.relation, sources)?;
        let on = match (constraint, &join.join_operator) {
            (JoinConstraint::None, JoinOperator::CrossJoin(_)) => String::new(),
            (JoinConstraint::On(_), JoinOperator::CrossJoin(_)) => {
                return Err(QueryError::new("Syntax error: CROSS JOIN takes no ON"));
            }
            (JoinConstraint::On(condition), _) => {
                let scope = Scope {
                    sources,
                    place: Place::Rows("JOIN ON"),
                    aliases: &[],
                    alias_wins: false,
                };
                let typed = self.expression(condition, scope)?;
                if typed.kind.is_some_and(|kind| kind != super::Type::Boolean) {
                    return Err(QueryError::new(format!(
                        "JOIN ON clause should return type BOOL, but returns type {}",
                        typed.kind_name()
                    )));
                }
                format!(" ON {}", typed.sql)
            }
            (JoinConstraint::None, _) => {
                return Err(QueryError::new(
                    "INNER JOIN must have an immediately following ON or USING clause",
                ));
            }
            (JoinConstraint::Using(_) | JoinConstraint::Natural, _) => {
                return Err(QueryError::unsupported("JOIN USING or NATURAL JOIN"));
            }
        };
        Ok(format!("{word}{relation}{on}"))
    }

    fn factor(&mut self, factor: &TableFactor, sources: &mut Vec<FromItem>) -> Result<String> {
        let (sql, source) = match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                refuse(args.is_some() || json_path.is_some(), "A table function")?;
                refuse(
                    !with_hints.is_empty() || !index_hints.is_empty() || !partitions.is_empty(),
                    "A hint",
                )?;
                refuse(version.is_some(), "FOR SYSTEM_TIME AS OF")?;
                refuse(*with_ordinality, "WITH ORDINALITY")?;
                refuse(sample.is_some(), "TABLESAMPLE")?;
                self.table(name, alias.as_ref())?
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample,
            } => {
                refuse(*lateral || sample.is_some(), "LATERAL or TABLESAMPLE")?;
                let (sql, outputs) = self.query(subquery)?;
                let sql_alias = self.alias('s');
                let source = derived(alias_of(alias.as_ref())?, &sql_alias, &outputs);
                (format!("({sql}) AS {sql_alias}"), source)
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset,
                with_offset_alias,
                with_ordinality,
            } => {
                refuse(
                    *with_offset || with_offset_alias.is_some() || *with_ordinality,
                    "WITH OFFSET",
                )?;
                let [array] = array_exprs.as_slice() else {
                    return Err(QueryError::unsupported("UNNEST of other than one array"));
                };
                let scope = Scope {
                    sources: &[],
                    place: Place::Rows("UNNEST"),
                    aliases: &[],
                    alias_wins: false,
                };
                let elements = self.array(array, scope)?;
                let alias = alias_of(alias.as_ref())?;
                let sql_alias = self.alias('s');
                let kind = elements.kind.unwrap_or(super::Type::Integer);
                let name = alias.clone().unwrap_or_default();
                let offered = Offered {
                    name,
                    sql: format!("{sql_alias}.c0"),
                    kind,
                    origin: None,
                };
                let source = FromItem {
                    alias,
                    columns: vec![offered],
                    is_value: true,
                };
                (format!("{} AS {sql_alias}", elements.sql), source)
            }
            TableFactor::NestedJoin { .. } => return Err(QueryError::unsupported("A join in parentheses")),
            _ => return Err(QueryError::unsupported("This kind of FROM item")),
        };
        if let Some(alias) = &source.alias {
            let same = |other: &FromItem| {
                other
                    .alias
                    .as_deref()
                    .is_some_and(|a| a.eq_ignore_ascii_case(alias))
            };
            if sources.iter().any(same) {
                return Err(QueryError::new(format!(
                    "Duplicate table alias {alias} in the same FROM clause"
                )));
            }
        }
        sources.push(source);
        Ok(sql)
    }

    fn table(&mut self, name: &ast::ObjectName, alias: Option<&TableAlias>) -> Result<(String, FromItem)> {
        let sql_alias = self.alias('s');
        let alias = alias_of(alias)?;
        if let [ast::ObjectNamePart::Identifier(ident)] = name.0.as_slice() {
            let same = |cte: &&super::compiler::Cte| cte.name.eq_ignore_ascii_case(&ident.value);
            if let Some(cte) = self.ctes.iter().rev().find(same) {
                let alias = alias.or_else(|| Some(cte.name.clone()));
                return Ok((
                    format!("{} AS {sql_alias}", cte.sql),
                    derived(alias, &sql_alias, &cte.columns),
                ));
            }
        }
        let full = table_name(name, self.query)?;
        let Some((number, table)) = self
            .tables
            .iter()
            .enumerate()
            .find(|(_, table)| table.name == full)
        else {
            return Err(QueryError::new(format!(
                "Not found: Table {}:{}.{}",
                full.project, full.dataset, full.table
            )));
        };
        self.named.insert(number);
        let columns = table.columns.iter().enumerate().map(|(n, column)| Offered {
            name: column.name.clone(),
            sql: format!("{sql_alias}.c{n}"),
            kind: column.kind,
            origin: Some((number, n)),
        });
        let source = FromItem {
            alias: alias.or_else(|| Some(full.table.clone())),
            columns: columns.collect(),
            is_value: false,
        };
        Ok((format!("table{number} AS {sql_alias}"), source))
    }

    /// The elements of an array as a SQLite subquery with one column, `c0`; `kind` is the type of the elements.
    pub(super) fn array(&mut self, expr: &Expr, scope: Scope<'_>) -> Result<Typed> {
        match expr {
            Expr::Nested(inner) => self.step(|this| this.array(inner, scope)),
            Expr::Value(value) => {
                let ast::Value::Placeholder(text) = &value.value else {
                    return Err(QueryError::new(format!(
                        "Values referenced in UNNEST must be arrays, not {expr}"
                    )));
                };
                let (number, bound) = self.placeholder(text, value.span)?;
                if !bound.array {
                    return Err(QueryError::new(format!(
                        "Values referenced in UNNEST must be arrays. UNNEST contains expression of type {}",
                        bound.kind.sql_name()
                    )));
                }
                Ok(Typed::new(
                    format!("(SELECT value AS c0 FROM json_each(?{}))", number + 1),
                    bound.kind,
                ))
            }
            Expr::Array(array) => {
                let mut items = Vec::with_capacity(array.elem.len());
                for item in &array.elem {
                    items.push(self.expression(item, scope)?);
                }
                if items.is_empty() {
                    return Err(QueryError::unsupported("An empty array literal"));
                }
                let all: Vec<_> = items.iter().collect();
                let unlike = no_signature("function ARRAY", &all);
                let items = super::operator::unify(items).ok_or(unlike)?;
                let kind = items.first().and_then(|item| item.kind);
                let rows: Vec<_> = items.iter().map(|item| format!("({})", item.sql)).collect();
                let sql = format!("(SELECT column1 AS c0 FROM (VALUES {}))", rows.join(", "));
                Ok(Typed {
                    sql,
                    kind,
                    constant: false,
                })
            }
            _ => Err(QueryError::unsupported(
                "UNNEST of other than a parameter or a literal array",
            )),
        }
    }
}

fn alias_of(alias: Option<&TableAlias>) -> Result<Option<String>> {
    let Some(TableAlias {
        explicit: _,
        name,
        columns,
        at,
    }) = alias
    else {
        return Ok(None);
    };
    refuse(!columns.is_empty() || at.is_some(), "A column list in an alias")?;
    alias_name(name).map(Some)
}

fn derived(alias: Option<String>, sql_alias: &str, columns: &[Output]) -> FromItem {
    // A column without a name can only be selected by `*`.
    let columns = columns.iter().enumerate().map(|(n, (name, kind))| Offered {
        name: name.clone().unwrap_or_default(),
        sql: format!("{sql_alias}.c{n}"),
        kind: *kind,
        origin: None,
    });
    FromItem {
        alias,
        columns: columns.collect(),
        is_value: false,
    }
}
