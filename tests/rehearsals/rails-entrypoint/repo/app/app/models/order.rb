class Order < ApplicationRecord
  scope :recent, -> { where("created_at > ?", 1.day.ago) }
end
