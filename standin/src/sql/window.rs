//! Compiles aggregates over a window: `SUM(x) OVER (PARTITION BY y)`.

use sqlparser::ast::{Expr, WindowSpec, WindowType};

use super::Type;
use super::compiler::{Compiler, refuse};
use super::error::{QueryError, Result};
use super::scope::{Place, Scope, Typed};

impl Compiler<'_> {
    /// Compiles a call with `OVER`, in the SELECT list of an ungrouped query.
    pub(super) fn window(
        &mut self,
        name: &str,
        argument: Option<&Expr>,
        over: &WindowType,
        scope: Scope<'_>,
    ) -> Result<Typed> {
        match scope.place {
            Place::Survey => {}
            Place::Rows(clause) => {
                return Err(QueryError::new(format!(
                    "Analytic function not allowed in {clause}"
                )));
            }
            Place::Argument => {
                return Err(QueryError::new(
                    "Analytic function not allowed in an aggregate's arguments",
                ));
            }
            Place::Groups(_) => return Err(QueryError::unsupported("A window function in a grouped query")),
        }
        let WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by,
            order_by,
            window_frame: None,
        }) = over
        else {
            return Err(QueryError::unsupported("A named window or a window frame"));
        };
        refuse(!order_by.is_empty(), "ORDER BY in a window")?;
        // It does not count as an aggregate of the query itself, which stays ungrouped.
        let aggregated = self.aggregated;
        let value = self.aggregate(name, false, argument, scope);
        self.aggregated = aggregated;
        let value = value?;
        // The sum of FLOATs is more than one call in SQLite.
        let is_known = matches!(name, "COUNT" | "COUNTIF" | "MIN" | "MAX")
            || (name == "SUM" && value.kind == Some(Type::Integer));
        refuse(
            !is_known,
            &format!("{name} of {} as a window function", value.kind_name()),
        )?;
        let mut partitions = Vec::with_capacity(partition_by.len());
        for expr in partition_by {
            let partition = self.expression(expr, scope.at(Place::Rows("PARTITION BY")))?;
            if partition.kind == Some(Type::Float) {
                return Err(QueryError::new(
                    "Partitioning by expressions of type FLOAT64 is not allowed",
                ));
            }
            partitions.push(partition.sql);
        }
        let by = match partitions.as_slice() {
            [] => String::new(),
            partitions => format!("PARTITION BY {}", partitions.join(", ")),
        };
        Ok(Typed {
            sql: format!("{} OVER ({by})", value.sql),
            ..value
        })
    }
}
