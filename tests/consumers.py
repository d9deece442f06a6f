"""What a worker's consumer hands out, however long Redis takes over it."""

from tests.waiting import wait_until
from transport.consumer import BlockingConsumer
from transport.messages import Delivery


def next_of(consumer: BlockingConsumer) -> Delivery:
    """The next message, waiting for it if need be."""
    delivery = wait_until(lambda: next(consumer), "a message is handed out")
    assert isinstance(delivery, Delivery)
    return delivery
