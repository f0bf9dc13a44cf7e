from plugins.request_id import RequestId


def test_both_systems_and_the_client_see_the_same_id(view, response):
    plugin = RequestId()

    asked = plugin.on_request(view())
    answered = plugin.on_response(view(), response())

    assert asked.set == answered.set == {"X-Correlation-Id": "id1"}


def test_an_id_that_the_client_made_up_is_replaced(view):
    forged = view(headers={"X-Trace": "forged"})

    assert RequestId(header="X-Trace").on_request(forged).set == {"X-Trace": "id1"}


def test_the_client_need_not_see_the_id(view, response):
    assert RequestId(respond=False).on_response(view(), response()) is None
