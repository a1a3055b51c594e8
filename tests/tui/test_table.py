"""The table paints what is seen, and again only what changed."""

from __future__ import annotations

from typing import NamedTuple

from textual.app import App, ComposeResult
from textual.geometry import Region

from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.spans import Look, Span
from yolodeploy.tui.widgets.table import Table
from yolodeploy.tui.words import Words

LOOK = Look(Words("en"), 0.0)


class Item(NamedTuple):
    name: str
    figure: int


COLUMNS: tuple[Column[Item], ...] = (
    Column("device", lambda item, look: (Span(item.name),), lambda item: item.name, 12, 12),
    Column("p95", lambda item, look: (Span(str(item.figure)),), lambda i: i.figure, 7, 7,
           right=True),
)  # fmt: skip


class Shown(App[None]):
    CSS = "Table { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield Table(COLUMNS, lambda item: item.name)


def items(count: int) -> list[Item]:
    return [Item(f"gw-{number:05}", number % 97) for number in range(count)]


async def test_ten_thousand_rows_are_reached_by_keyboard() -> None:
    async with Shown().run_test(size=(60, 20)) as pilot:
        table = pilot.app.query_one(Table)
        table.show(items(10_000), LOOK)
        await pilot.press("G")
        assert table.current == Item("gw-09999", 9999 % 97)
        await pilot.press("pageup", "k", "up")
        assert table.rows.cursor == 9999 - 18 - 2
        await pilot.press("g", "j", "down", "pagedown")
        assert table.rows.cursor == 2 + 18
        await pilot.pause()
        assert len(table._painted) < 100


async def test_only_cells_that_changed_are_painted_again() -> None:
    async with Shown().run_test(size=(60, 20)) as pilot:
        table = pilot.app.query_one(Table)
        rows = items(1000)
        table.show(rows, LOOK)
        await pilot.pause()
        painted: list[Region] = []
        refresh = table.refresh
        table.refresh = lambda *regions, **more: (
            painted.extend(regions) or refresh(*regions, **more)
        )  # type: ignore[method-assign,func-returns-value,assignment]
        changed = [Item(row.name, row.figure + 1) if i in (3, 500) else row
                   for i, row in enumerate(rows)]  # fmt: skip
        table.show(changed, LOOK)
        assert [(region.y, region.height) for region in painted] == [(4, 1)]
        assert painted[0].width == 7
        await pilot.pause()
        painted.clear()
        table.show(changed, LOOK)
        assert painted == []


async def test_columns_widen_for_what_is_seen_and_stay_so() -> None:
    wide = (COLUMNS[0]._replace(most=30), COLUMNS[1])

    class Wide(Shown):
        def compose(self) -> ComposeResult:
            yield Table(wide, lambda item: item.figure)

    async with Wide().run_test(size=(60, 20)) as pilot:
        table = pilot.app.query_one(Table)
        for name, width in (("short", 12), ("a-name-of-22-characters", 23), ("short", 23)):
            table.show([Item(name, 1)], LOOK)
            await pilot.pause()
            assert table._places[0].width == width


async def test_the_cursor_stays_on_its_row_wherever_that_goes() -> None:
    async with Shown().run_test(size=(60, 20)) as pilot:
        table = pilot.app.query_one(Table)
        table.show([Item("a", 3), Item("b", 1), Item("c", 2)], LOOK)
        await pilot.press("down")
        assert table.current == Item("b", 1)
        await pilot.press("s", "s")
        assert [row.name for row in table.rows.shown] == ["b", "c", "a"]
        assert table.current == Item("b", 1)
        await pilot.press("S")
        assert [row.name for row in table.rows.shown] == ["a", "c", "b"]
        assert table.current == Item("b", 1)
        table.show([Item("z", 9), Item("b", 5)], LOOK)
        assert table.current == Item("b", 5)
        table.show([Item("z", 9)], LOOK)
        assert table.current == Item("z", 9)
        table.show([], LOOK)
        assert table.current is None
        await pilot.press("s", "down", "enter")


async def test_a_click_on_a_header_sorts_and_on_a_row_selects() -> None:
    async with Shown().run_test(size=(60, 20)) as pilot:
        table = pilot.app.query_one(Table)
        table.show(items(30), LOOK)
        await pilot.pause()
        await pilot.click(Table, offset=(5, 4))
        assert table.rows.cursor == 3
        await pilot.click(Table, offset=(4, 0))
        await pilot.click(Table, offset=(4, 0))
        assert table.rows.shown[0].name == "gw-00029"
        assert table.current is not None
        assert table.current.name == "gw-00003"


async def test_a_filter_wants_every_word() -> None:
    async with Shown().run_test(size=(60, 20)) as pilot:
        table = pilot.app.query_one(Table)
        table.show(items(300), LOOK)
        table.filter("GW-0012 3")
        assert [row.name for row in table.rows.shown] == [
            "gw-00120", "gw-00123", "gw-00127", "gw-00128", "gw-00129",
        ]  # fmt: skip
        table.filter("")
        assert len(table.rows.shown) == 300


async def test_hostile_text_stays_in_its_cell() -> None:
    async with Shown().run_test(size=(60, 20)) as pilot:
        table = pilot.app.query_one(Table)
        table.show([Item("\x1b[31m[red]盘\u202e\n", 1)], LOOK)
        await pilot.pause()
        strip = table.render_line(1)
        assert strip.cell_length == 60
        assert "\x1b" not in strip.text
        assert "\n" not in strip.text
        assert "[31m[re" in strip.text
