//! Compiles queries: `WITH`, `UNION`, SELECT and its clauses.

use sqlparser::ast::{
    self, Distinct, Expr, GroupByExpr, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    SetOperator, SetQuantifier, WildcardAdditionalOptions,
};

use super::Type;
use super::compiler::{Compiler, Cte, Output, alias_name, common, refuse};
use super::error::{QueryError, Result};
use super::order::{order_by_output, ordinal};
use super::scope::{FromItem, Place, Scope, Typed, unrecognized};

/// A compiled SELECT, to which an `ORDER BY` can still be added.
pub(super) struct Open {
    /// SQLite's SQL.
    pub(super) sql: String,
    /// The columns, with the names they have.
    pub(super) outputs: Vec<Output>,
    /// The SELECT list, which `ORDER BY` may refer to.
    pub(super) list: Vec<Typed>,
    /// The items of its `FROM`.
    pub(super) sources: Vec<FromItem>,
    /// The grouping expressions, if it is grouped.
    pub(super) groups: Option<Vec<String>>,
    /// Whether it is a SELECT DISTINCT.
    pub(super) distinct: bool,
}

impl Compiler<'_> {
    /// Compiles a query. Its columns are `c0` and so on in SQLite.
    pub(super) fn query(&mut self, query: &ast::Query) -> Result<(String, Vec<Output>)> {
        self.step(|this| {
            let visible = this.ctes.len();
            let aggregated = std::mem::replace(&mut this.aggregated, false);
            let result = this.query_inner(query);
            this.aggregated = aggregated;
            this.ctes.truncate(visible);
            result
        })
    }

    fn query_inner(&mut self, query: &ast::Query) -> Result<(String, Vec<Output>)> {
        let ast::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        refuse(fetch.is_some(), "FETCH")?;
        refuse(!locks.is_empty() || for_clause.is_some(), "FOR")?;
        refuse(
            settings.is_some() || format_clause.is_some(),
            "SETTINGS or FORMAT",
        )?;
        refuse(!pipe_operators.is_empty(), "Pipe syntax")?;
        let mut sql = String::new();
        if let Some(with) = with {
            sql.push_str(&self.with(with)?);
        }
        let outputs = if let SetExpr::Select(select) = body.as_ref() {
            let open = self.select(select)?;
            sql.push_str(&open.sql);
            if let Some(order) = order_by {
                if open.sources.is_empty() {
                    return Err(without_from("an ORDER BY"));
                }
                sql.push_str(&self.order_by(order, &open)?);
            }
            open.outputs
        } else {
            let (text, outputs) = self.set(body)?;
            sql.push_str(&text);
            if let Some(order) = order_by {
                sql.push_str(&order_by_output(order, &outputs)?);
            }
            outputs
        };
        if let Some(limit) = limit_clause {
            sql.push_str(&self.limit(limit)?);
        }
        Ok((sql, outputs))
    }

    fn with(&mut self, with: &ast::With) -> Result<String> {
        refuse(with.recursive, "WITH RECURSIVE")?;
        let mut texts = Vec::new();
        let first = self.ctes.len();
        for cte in &with.cte_tables {
            let ast::Cte {
                alias,
                query,
                from,
                materialized,
                closing_paren_token: _,
            } = cte;
            refuse(
                from.is_some() || materialized.is_some() || !alias.columns.is_empty(),
                "This form of WITH",
            )?;
            let name = alias_name(&alias.name)?;
            if self
                .ctes
                .iter()
                .skip(first)
                .any(|other| other.name.eq_ignore_ascii_case(&name))
            {
                return Err(QueryError::new(format!(
                    "Duplicate alias {name} for WITH subquery"
                )));
            }
            let (sql, outputs) = self.query(query)?;
            let sql_name = self.alias('w');
            texts.push(format!("{sql_name} AS ({sql})"));
            self.ctes.push(Cte {
                name,
                sql: sql_name,
                columns: outputs,
            });
        }
        Ok(format!("WITH {} ", texts.join(", ")))
    }

    /// A `UNION` of SELECTs, or a query in parentheses.
    fn set(&mut self, body: &SetExpr) -> Result<(String, Vec<Output>)> {
        self.step(|this| match body {
            SetExpr::Select(select) => this.select(select).map(|open| (open.sql, open.outputs)),
            SetExpr::Query(query) => {
                let (sql, outputs) = this.query(query)?;
                Ok((format!("SELECT * FROM ({sql})"), outputs))
            }
            SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } => {
                let word = match set_quantifier {
                    SetQuantifier::All => "UNION ALL",
                    SetQuantifier::Distinct => "UNION",
                    SetQuantifier::None => {
                        return Err(QueryError::new("Syntax error: Expected keyword ALL or keyword DISTINCT after UNION"));
                    }
                    _ => return Err(QueryError::unsupported("UNION BY NAME")),
                };
                // Each side is in its own SELECT: SQLite evaluates UNIONs from left to right, whatever the parentheses.
                let (one, outputs) = this.set(left)?;
                let (two, others) = this.set(right)?;
                if outputs.len() != others.len() {
                    return Err(QueryError::new(format!(
                        "Queries in UNION have mismatched column count; query 1 has {} columns, query 2 has {} columns",
                        outputs.len(),
                        others.len()
                    )));
                }
                for (place, (one, two)) in outputs.iter().zip(&others).enumerate() {
                    if one.1 != two.1 {
                        return Err(QueryError::new(format!(
                            "Column {} in UNION has incompatible types: {}, {}",
                            place + 1,
                            one.1.sql_name(),
                            two.1.sql_name()
                        )));
                    }
                }
                Ok((format!("SELECT * FROM ({one}) {word} SELECT * FROM ({two})"), outputs))
            }
            SetExpr::SetOperation { op, .. } => Err(QueryError::unsupported(op)),
            SetExpr::Values(_) => Err(QueryError::unsupported("VALUES")),
            SetExpr::Table(_) => Err(QueryError::unsupported("TABLE")),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(QueryError::unsupported("A statement that changes data"))
            }
        })
    }

    fn select(&mut self, select: &ast::Select) -> Result<Open> {
        let ast::Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        refuse(*flavor != SelectFlavor::Standard, "FROM before SELECT")?;
        refuse(
            !optimizer_hints.is_empty() || select_modifiers.is_some(),
            "A hint",
        )?;
        refuse(
            top.is_some() || exclude.is_some() || into.is_some(),
            "TOP, EXCLUDE or INTO",
        )?;
        refuse(
            !lateral_views.is_empty() || prewhere.is_some() || !connect_by.is_empty(),
            "This clause",
        )?;
        refuse(
            !cluster_by.is_empty() || !distribute_by.is_empty() || !sort_by.is_empty(),
            "This ordering",
        )?;
        refuse(!named_window.is_empty() || qualify.is_some(), "A window function")?;
        refuse(value_table_mode.is_some(), "SELECT AS STRUCT or AS VALUE")?;
        let distinct = match distinct {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(_)) => return Err(QueryError::unsupported("DISTINCT ON")),
        };
        let (from_sql, sources) = self.from(from)?;
        let grouped = !matches!(group_by, GroupByExpr::Expressions(items, _) if items.is_empty());
        for (present, clause) in [
            (selection.is_some(), "a WHERE"),
            (grouped, "a GROUP BY"),
            (having.is_some(), "a HAVING"),
        ] {
            if present && from.is_empty() {
                return Err(without_from(clause));
            }
        }
        let scope = |place| Scope {
            sources: &sources,
            place,
            aliases: &[],
            alias_wins: false,
        };
        let condition = match selection {
            Some(condition) => {
                let typed = self.expression(condition, scope(Place::Rows("WHERE clause")))?;
                format!(" WHERE {}", boolean_clause("WHERE", typed)?)
            }
            None => String::new(),
        };
        self.aggregated = false;
        let (mut outputs, mut list) = self.projection(projection, &sources, Place::Survey)?;
        let list_aggregated = self.aggregated;
        if list_aggregated && from.is_empty() {
            return Err(QueryError::new(
                "Query without FROM clause cannot use aggregation",
            ));
        }
        let grouping = self.group_by(group_by, &sources, &outputs, &list)?;
        let mut groups = None;
        if list_aggregated || grouping.is_some() || having.is_some() {
            let by = grouping.unwrap_or_default();
            (outputs, list) = self.projection(projection, &sources, Place::Groups(&by))?;
            groups = Some(by);
        }
        let mut sql = String::from(if distinct { "SELECT DISTINCT " } else { "SELECT " });
        let items: Vec<_> = list
            .iter()
            .enumerate()
            .map(|(n, item)| format!("{} AS c{n}", item.sql))
            .collect();
        sql.push_str(&items.join(", "));
        sql.push_str(&from_sql);
        sql.push_str(&condition);
        if let Some(by) = groups.as_ref().filter(|by| !by.is_empty()) {
            sql.push_str(" GROUP BY ");
            sql.push_str(&by.join(", "));
        }
        if let (Some(having), Some(by)) = (having, &groups) {
            let aliases = aliases(&outputs, &list);
            let scope = Scope {
                sources: &sources,
                place: Place::Groups(by),
                aliases: &aliases,
                alias_wins: false,
            };
            self.aggregated = false;
            let typed = self.expression(having, scope)?;
            if by.is_empty() && !self.aggregated && !list_aggregated {
                return Err(QueryError::new(
                    "The HAVING clause requires GROUP BY or aggregation to be present",
                ));
            }
            sql.push_str(&format!(" HAVING {}", boolean_clause("HAVING", typed)?));
        }
        Ok(Open {
            sql,
            outputs,
            list,
            sources,
            groups,
            distinct,
        })
    }

    fn projection(
        &mut self,
        items: &[SelectItem],
        sources: &[FromItem],
        place: Place<'_>,
    ) -> Result<(Vec<Output>, Vec<Typed>)> {
        let scope = Scope {
            sources,
            place,
            aliases: &[],
            alias_wins: false,
        };
        let mut outputs = Vec::new();
        let mut list = Vec::new();
        for item in items {
            let (name, expr) = match item {
                SelectItem::UnnamedExpr(expr) => (implied_name(expr), expr),
                SelectItem::ExprWithAlias { expr, alias } => (Some(alias_name(alias)?), expr),
                SelectItem::ExprWithAliases { .. } => {
                    return Err(QueryError::unsupported("More than one alias"));
                }
                SelectItem::Wildcard(options) => {
                    if sources.is_empty() {
                        return Err(QueryError::new("SELECT * must have a FROM clause"));
                    }
                    self.wildcard(sources, options, scope, &mut outputs, &mut list)?;
                    continue;
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    let name = name.to_string().replace('`', "");
                    let source = scope.source(&name).ok_or_else(|| unrecognized(&name))?;
                    self.wildcard(
                        std::slice::from_ref(source),
                        options,
                        scope,
                        &mut outputs,
                        &mut list,
                    )?;
                    continue;
                }
                SelectItem::QualifiedWildcard(..) => return Err(QueryError::unsupported("This form of *")),
            };
            let typed = self.expression(expr, scope)?;
            outputs.push((name, typed.kind.unwrap_or(Type::Integer)));
            list.push(typed);
        }
        Ok((outputs, list))
    }

    fn wildcard(
        &mut self,
        sources: &[FromItem],
        options: &WildcardAdditionalOptions,
        scope: Scope<'_>,
        outputs: &mut Vec<Output>,
        list: &mut Vec<Typed>,
    ) -> Result<()> {
        let WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        refuse(
            opt_ilike.is_some() || opt_exclude.is_some() || opt_rename.is_some(),
            "This form of *",
        )?;
        refuse(opt_replace.is_some() || opt_alias.is_some(), "* REPLACE")?;
        let mut except: Vec<(&str, bool)> = Vec::new();
        if let Some(names) = opt_except {
            let all = std::iter::once(&names.first_element).chain(&names.additional_elements);
            except.extend(all.map(|ident| (ident.value.as_str(), false)));
        }
        for column in sources.iter().flat_map(|source| &source.columns) {
            if let Some((_, used)) = except
                .iter_mut()
                .find(|(name, _)| column.name.eq_ignore_ascii_case(name))
            {
                *used = true;
                continue;
            }
            let typed = self.offered(column, scope)?;
            // The columns of a value table do not have a name in a result.
            let name = Some(column.name.clone()).filter(|name| !name.is_empty());
            outputs.push((name, column.kind));
            list.push(typed);
        }
        match except.iter().find(|(_, used)| !used) {
            Some((name, _)) => Err(QueryError::new(format!(
                "Column {name} in SELECT * EXCEPT list does not exist"
            ))),
            None if list.is_empty() => Err(QueryError::new(
                "SELECT * expands to zero columns after applying EXCEPT",
            )),
            None => Ok(()),
        }
    }

    /// The grouping expressions; none if there is no `GROUP BY`.
    fn group_by(
        &mut self,
        group_by: &GroupByExpr,
        sources: &[FromItem],
        outputs: &[Output],
        list: &[Typed],
    ) -> Result<Option<Vec<String>>> {
        let GroupByExpr::Expressions(items, modifiers) = group_by else {
            return Err(QueryError::unsupported("GROUP BY ALL"));
        };
        refuse(!modifiers.is_empty(), "A modifier of GROUP BY")?;
        if items.is_empty() {
            return Ok(None);
        }
        let aliases = aliases(outputs, list);
        let rows = Scope {
            sources,
            place: Place::Rows("GROUP BY"),
            aliases: &aliases,
            alias_wins: true,
        };
        let mut by = Vec::new();
        for item in items {
            let typed = match (ordinal(item, list, "GROUP BY")?, item) {
                (Some(place), _) => list.get(place).cloned(),
                (None, Expr::Identifier(ident)) => rows.alias(&ident.value)?.cloned(),
                (None, _) => None,
            };
            let typed = match typed {
                // The items of the list were surveyed with aggregates allowed.
                Some(typed) if contains_aggregate(&typed.sql) => {
                    return Err(QueryError::new(format!(
                        "{item} is an aggregate, which is not allowed in GROUP BY"
                    )));
                }
                Some(typed) => typed,
                None => self.expression(item, Scope { aliases: &[], ..rows })?,
            };
            if typed.constant {
                return Err(QueryError::new("Cannot GROUP BY literal values"));
            }
            by.push(typed.sql);
        }
        Ok(Some(by))
    }
}

fn without_from(clause: &str) -> QueryError {
    QueryError::new(format!("Query without FROM clause cannot have {clause} clause"))
}

/// Whether SQLite's SQL calls an aggregate: their names are in capitals, and no other text outside quotes is.
fn contains_aggregate(sql: &str) -> bool {
    let outside = sql.split('\'').step_by(2);
    outside.into_iter().any(|text| {
        ["COUNT(", "SUM(", "AVG(", "MIN(", "MAX("]
            .iter()
            .any(|name| text.contains(name))
    })
}

/// The names of the SELECT list.
pub(super) fn aliases(outputs: &[Output], list: &[Typed]) -> Vec<(String, Typed)> {
    let named = outputs.iter().zip(list);
    named
        .filter_map(|((name, _), typed)| Some((name.clone()?, typed.clone())))
        .collect()
}

/// The name that the expression of a column implies for the result.
fn implied_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.clone()),
        _ => None,
    }
}

fn boolean_clause(clause: &str, typed: Typed) -> Result<String> {
    match common([&typed]) {
        Ok(None | Some(Type::Boolean)) => Ok(typed.sql),
        _ => Err(QueryError::new(format!(
            "{clause} clause should return type BOOL, but returns type {}",
            typed.kind_name()
        ))),
    }
}
