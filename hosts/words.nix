# The words of each environment. One entry is one instance: its name appears in its unit and in its path at the reverse proxy;
# its word may be any text. Mock production counts production's words. A release that serves a count other than the expected
# one is rolled back: `bigquery` has the counts of Google's table, `standin` those of the stand-in's editions.
{
  dev = {
    the = {
      word = "the";
      port = 8081;
      expectedCounts.standin.hamlet = 989;
    };
    love = {
      word = "love";
      port = 8082;
      expectedCounts.standin.hamlet = 67;
    };
  };

  prod = {
    the = {
      word = "the";
      expectedCounts = {
        bigquery.hamlet = 995;
        standin.hamlet = 989;
      };
    };
    love = {
      word = "love";
      expectedCounts = {
        bigquery.hamlet = 67;
        standin.hamlet = 67;
      };
    };
    romeo = {
      word = "Romeo";
      expectedCounts = {
        bigquery.romeoandjuliet = 117;
        standin.romeoandjuliet = 114;
      };
    };
    tis = {
      word = "'Tis";
      expectedCounts = {
        bigquery.hamlet = 25;
        standin.hamlet = 25;
      };
    };
  };
}
