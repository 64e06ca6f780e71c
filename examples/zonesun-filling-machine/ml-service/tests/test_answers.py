"""The memory behind Idempotency-Key."""

import asyncio

import pytest
from egiz_ml_service.answers import Answer, Answers
from egiz_ml_service.problems import Problem


class Maker:
    """Makes numbered answers, when it is let."""

    def __init__(self, size: int = 1):
        self.made = 0
        self.size = size
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: BaseException | None = None

    async def __call__(self) -> Answer:
        self.made += 1
        number = self.made
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Answer(200, str(number).encode().ljust(self.size), {})


def test_two_calls_at_once_share_one_try():
    async def run():
        answers, maker = Answers(10, 60), Maker()
        maker.gate.clear()
        calls = [asyncio.create_task(answers.once("/p", "k", b"x", maker)) for _ in range(3)]
        await asyncio.sleep(0)
        maker.gate.set()
        results = await asyncio.gather(*calls)
        assert maker.made == 1
        assert {answer.body for answer, _ in results} == {b"1"}
        assert sorted(is_repeat for _, is_repeat in results) == [False, True, True]

    asyncio.run(run())


def test_when_the_first_of_two_calls_fails_the_other_tries_itself():
    async def run():
        answers, maker = Answers(10, 60), Maker()
        maker.gate.clear()
        first, second = (asyncio.create_task(answers.once("/p", "k", b"x", maker)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        maker.gate.set()
        assert (await second)[0].body == b"2"
        maker.failure = Problem(503, "x", "x")
        with pytest.raises(Problem):
            await answers.once("/p", "other", b"x", maker)
        maker.failure = None
        assert (await answers.once("/p", "other", b"x", maker))[1] is False

    asyncio.run(run())


def test_a_cancelled_waiter_does_not_cancel_the_answer_of_the_first():
    async def run():
        answers, maker = Answers(10, 60), Maker()
        maker.gate.clear()
        first, second = (asyncio.create_task(answers.once("/p", "k", b"x", maker)) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        maker.gate.set()
        assert (await first)[0].body == b"1"

    asyncio.run(run())


def test_answers_are_forgotten_by_age_and_by_number():
    async def run():
        now = 0.0
        answers, maker = Answers(2, 60, lambda: now), Maker()

        async def ask(key):
            return (await answers.once("/p", key, b"x", maker))[1]

        assert [await ask(key) for key in ("a", "b", "a")] == [False, False, True]
        assert [await ask(key) for key in ("c", "b", "a")] == [False, True, False]
        now = 61.0
        assert [await ask(key) for key in ("c", "a")] == [False, False]

    asyncio.run(run())


def test_answers_are_forgotten_when_they_take_too_many_bytes():
    async def run():
        answers, maker = Answers(100, 60), Maker(size=30 << 20)
        for key in ("a", "b", "c"):
            await answers.once("/p", key, b"x", maker)
        assert (await answers.once("/p", "c", b"x", maker))[1] is True
        assert (await answers.once("/p", "a", b"x", maker))[1] is False

    asyncio.run(run())
