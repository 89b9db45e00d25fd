"""A row without columns is an empty tuple, which is false: the database was taken for missing and made again."""

from shared.platform.local.postgres import EmbeddedPostgres


def test_a_folder_that_holds_a_database_is_taken_over(postgres: EmbeddedPostgres) -> None:
    again = EmbeddedPostgres(postgres._folder)
    assert again.app_url() == postgres.app_url()
